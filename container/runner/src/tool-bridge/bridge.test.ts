import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { ToolRig } from '../../../../test/providers/tool-rig.ts'

const INITIALIZE = {
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

/** The bridge as a runtime starts it. */
function start(url: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bridge-main.ts'), url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    send: (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`),
    next: async () => JSON.parse((await lines.next()).value ?? 'null') as unknown,
  }
}

it('brings a server that speaks HTTP to a runtime that starts commands, and ends with it', async () => {
  await using tools = await ToolRig.start()
  const end = tools.begin('one')
  const bridge = start(tools.server.serversOf('one').creel?.url ?? '')
  bridge.send(INITIALIZE)
  expect(await bridge.next()).toMatchObject({ id: 1, result: { serverInfo: { name: 'creel' } } })
  bridge.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  bridge.send({
    ...{ jsonrpc: '2.0', id: 2, method: 'tools/call' },
    params: { name: 'send_message', arguments: { text: 'over the bridge' } },
  })
  expect(await bridge.next()).toMatchObject({
    id: 2,
    result: { content: [{ text: expect.stringMatching(/^Queued/) }] },
  })
  expect(tools.sent).toEqual([{ session: 'one', text: 'over the bridge' }])
  end()
  bridge.child.stdin.end()
  expect(await once(bridge.child, 'exit')).toEqual([0, null])
})

it('answers why when nobody can be reached, or what is there speaks something else', async () => {
  const server = createServer((_, response) => response.writeHead(403).end('no rule allows it')).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const refusing = start(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
  refusing.send(INITIALIZE)
  expect(JSON.stringify(await refusing.next())).toMatch(/"error".*127\.0\.0\.1.*no rule allows it/)
  server.close()
  const nobody = start('http://127.0.0.1:1/')
  nobody.send(INITIALIZE)
  expect(await nobody.next()).toMatchObject({ id: 1, error: { code: -32_000 } })
})
