import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callHost, followLines, NoHostError, postLine } from '../../src/adapters/control/client.ts'
import { ControlServer, type TerminalChat } from '../../src/adapters/control/server.ts'
import type { TerminalEvent } from '../../src/adapters/control/wire.ts'
import { CreelError } from '../../src/domain/errors.ts'
import type { GroupName, UnixMs, UserId } from '../../src/domain/ids.ts'
import type { OwnChatLine } from '../../src/domain/ports/channel.ts'

/** One group, its lines, and whoever watches them. */
class OneChat implements TerminalChat {
  readonly posts: { text: string; user: UserId }[] = []
  readonly watchers = new Set<(line: OwnChatLine) => void>()
  full = false

  post(_group: GroupName, text: string, _id: string, user: UserId) {
    if (this.full) throw new CreelError('unavailable', 'disk full', { hint: 'free some' })
    this.posts.push({ text, user })
    return 'new' as const
  }

  subscribe(_group: GroupName, _afterId: number, onLine: (line: OwnChatLine) => void) {
    onLine({ id: 1, author: 'agent', text: 'earlier', at: 0 as UnixMs })
    this.watchers.add(onLine)
    return () => this.watchers.delete(onLine)
  }
}

const files = {
  take: async (path: string) => {
    throw new CreelError('not_found', `${path} is not there`)
  },
  describe: () => '',
}

let folder: string
let socketPath: string
let chat: OneChat
let owners: UserId[]
let calls: { command: string; args: unknown }[]
let run: (command: string, args: unknown) => Promise<unknown>
let server: ControlServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'creel-control-'))
  socketPath = join(folder, 'control.sock')
  chat = new OneChat()
  owners = []
  calls = []
  run = async (command, args) => {
    calls.push({ command, args })
    return { done: command }
  }
  server = new ControlServer({
    socketPath,
    terminal: chat,
    files,
    groupNamed: (text) => {
      if (text === 'main') return text as GroupName
      throw new CreelError('not_found', `there is no group ${text}`, { hint: 'creel group add' })
    },
    run: (command, args) => run(command, args),
    onTerminalUser: (user) => owners.push(user),
  })
  await server.listen()
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

/** Posts any bytes. */
function raw(path: string, body: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, path, method: 'POST' }, async (res) => {
      let text = ''
      for await (const chunk of res.setEncoding('utf8')) text += chunk
      resolve({ status: res.statusCode ?? 0, body: text })
    })
    req.on('error', reject)
    req.end(body)
  })
}

describe('the control socket', () => {
  it('can be opened by its owner alone', () => {
    expect(statSync(socketPath).mode & 0o777).toBe(0o600)
  })

  it('carries arguments there and results back', async () => {
    expect(await callHost(socketPath, 'group-add', { name: 'x' })).toEqual({ done: 'group-add' })
    expect(calls).toEqual([{ command: 'group-add', args: { name: 'x' } }])
  })

  it('carries an error with its code and what to do', async () => {
    run = async () => {
      throw new CreelError('conflict', 'taken', { hint: 'take another' })
    }
    await expect(callHost(socketPath, 'x', {})).rejects.toMatchObject({
      name: 'CreelError',
      ...{ code: 'conflict', message: 'taken', hint: 'take another' },
    })
    run = async () => {
      throw new TypeError('a bug')
    }
    await expect(callHost(socketPath, 'x', {})).rejects.toMatchObject({ code: 'internal', message: 'a bug' })
  })

  it.each(['/commands/status', '/terminal/main'])('refuses what is not JSON at %s', async (path) => {
    const answer = await raw(path, '{"half":')
    expect(JSON.parse(answer.body)).toMatchObject({
      ...{ ok: false, code: 'invalid' },
      message: expect.stringContaining('not JSON'),
    })
    expect([calls, chat.posts]).toEqual([[], []])
  })

  it.each(['/commands/status', '/terminal/main'])('refuses a huge body at %s', async (path) => {
    const answer = await raw(
      path,
      JSON.stringify({ text: 'x'.repeat(1_100_000), id: '1', user: 'terminal:a' }),
    )
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('1 MiB'),
    })
    expect([calls, chat.posts]).toEqual([[], []])
    expect(await callHost(socketPath, 'still-there', {})).toEqual({ done: 'still-there' })
  })

  it('knows no other address', async () => {
    expect(JSON.parse((await raw('/elsewhere', '{}')).body)).toMatchObject({ ok: false, code: 'not_found' })
  })

  it('takes the place of a dead host, and its file goes with it', async () => {
    await server.close()
    await expect(callHost(socketPath, 'x', {})).rejects.toThrow(NoHostError)
    writeFileSync(socketPath, 'left over')
    await server.listen()
    expect(await callHost(socketPath, 'again', {})).toEqual({ done: 'again' })
  })

  it('says what to do when its path is too long for a socket', async () => {
    const far = new ControlServer({
      socketPath: join(folder, 'x'.repeat(90), 'control.sock'),
      ...{
        terminal: chat,
        files,
        groupNamed: (text: string) => text as GroupName,
        run,
        onTerminalUser: () => undefined,
      },
    })
    await expect(far.listen()).rejects.toMatchObject({
      message: expect.stringContaining('too long'),
      hint: expect.stringContaining('data_dir'),
    })
  })

  it('gives the answer to down before it closes', async () => {
    const closed = Promise.withResolvers<void>()
    run = async () => {
      server.close().then(closed.resolve, closed.reject)
      return { stopping: true }
    }
    expect(await callHost(socketPath, 'down', {})).toEqual({ stopping: true })
    await closed.promise
    await expect(callHost(socketPath, 'status', {})).rejects.toThrow(NoHostError)
  })
})

describe('the terminal chat', () => {
  it('makes whoever types here an owner and takes the line', async () => {
    await postLine(socketPath, 'main', { text: 'hello', id: '1', user: 'terminal:ann' })
    expect(owners).toEqual(['terminal:ann'])
    expect(chat.posts).toEqual([{ text: 'hello', user: 'terminal:ann' }])
  })

  it('hands on why a line was not taken', async () => {
    chat.full = true
    const post = postLine(socketPath, 'main', { text: 'hello', id: '1', user: 'terminal:ann' })
    await expect(post).rejects.toMatchObject({ code: 'unavailable', hint: 'free some' })
    const empty = postLine(socketPath, 'main', { text: '', id: '1', user: 'terminal:ann' })
    await expect(empty).rejects.toMatchObject({ code: 'invalid' })
  })

  it('of no agent is refused, to talk and to listen', async () => {
    const post = postLine(socketPath, 'nobody', { text: 'hello', id: '1', user: 'terminal:ann' })
    await expect(post).rejects.toMatchObject({ code: 'not_found', hint: 'creel group add' })
    const follow = followLines(socketPath, 'nobody', 0, () => undefined, new AbortController().signal)
    await expect(follow).rejects.toMatchObject({ code: 'not_found' })
    expect(owners).toEqual([])
  })

  it('streams earlier and new lines, and is cut when the host ends', async () => {
    const events: TerminalEvent[] = []
    const ready = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    const onEvent = (event: TerminalEvent) => {
      events.push(event)
      if (event.type === 'ready') ready.resolve()
      if (event.type === 'line' && event.id === 2) second.resolve()
    }
    const follow = followLines(socketPath, 'main', 0, onEvent, new AbortController().signal)
    await ready.promise
    for (const tell of chat.watchers) tell({ id: 2, author: 'agent', text: 'new', at: 0 as UnixMs })
    await second.promise
    await server.close()
    await follow
    expect(events.map((event) => (event.type === 'line' ? event.text : event.type))).toEqual([
      ...['earlier', 'ready', 'new'],
    ])
    await expect.poll(() => chat.watchers.size).toBe(0)
  })

  it('stops listening when the terminal goes', async () => {
    const leaving = new AbortController()
    const onEvent = (event: TerminalEvent) => event.type === 'ready' && leaving.abort()
    await followLines(socketPath, 'main', 0, onEvent, leaving.signal)
    await expect.poll(() => chat.watchers.size).toBe(0)
  })
})
