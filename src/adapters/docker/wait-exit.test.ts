import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { engineClient } from './engine-client.ts'
import { diedOfMemory, waitForExit } from './wait-exit.ts'

let dir: string
let server: Server
/** What the stand-in for an engine says to each path. */
let answers: Record<string, { status: number; body: string }>
let asked: string[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'creel-wait-'))
  answers = {}
  asked = []
  server = createServer((request, response) => {
    asked.push(decodeURIComponent(request.url ?? ''))
    const { status, body } = answers[(request.url ?? '').split('?')[0] ?? ''] ?? { status: 404, body: '{}' }
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(join(dir, 'engine.sock'), resolve))
})
afterEach(async () => {
  server.close()
  await rm(dir, { recursive: true })
})

const docker = () => engineClient(join(dir, 'engine.sock'))
const signal = () => AbortSignal.timeout(10_000)
const state = {
  OOMKilled: false,
  StartedAt: '2026-01-01T00:00:00.5Z',
  FinishedAt: '2026-01-01T00:00:10.123Z',
}

test('waits for the named condition and tells the code', async () => {
  answers['/containers/a/wait'] = { status: 200, body: '{"StatusCode":7}' }
  expect(await waitForExit(docker(), 'a', 'removed', signal())).toBe(7)
  expect(asked).toEqual(['/containers/a/wait?condition=removed'])
})

test('an engine that ends the answer without a code is unavailable', async () => {
  answers['/containers/a/wait'] = { status: 200, body: '' }
  await expect(waitForExit(docker(), 'a', 'not-running', signal())).rejects.toMatchObject({
    code: 'unavailable',
  })
})

test.each([
  ['the flag is set', 137, { ...state, OOMKilled: true }, true],
  ['only a tool of it was killed', 0, { ...state, OOMKilled: true }, false],
  ['it failed by itself', 1, state, false],
])('%s: told without asking further', async (_case, code, ended, expected) => {
  expect(await diedOfMemory(docker(), { id: 'a', code, state: ended }, signal())).toBe(expected)
  expect(asked).toEqual([])
})

test.each([
  ['news that came late', { status: 200, body: '{"status":"oom"}\n' }, true],
  ['no news', { status: 200, body: '' }, false],
  ['a filter that lets no events through', { status: 403, body: '{"message":"denied"}' }, false],
])('killed, and the flag not set: %s', async (_case, answer, expected) => {
  answers['/events'] = answer
  expect(await diedOfMemory(docker(), { id: 'a', code: 137, state }, signal())).toBe(expected)
  expect(asked).toEqual([
    '/events?since=1767225600.5&until=1767225610.623&filters={"container":["a"],"event":["oom"]}',
  ])
})
