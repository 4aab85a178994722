import type { TurnEvent } from '@creel/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { Turn } from '../../container/runner/src/provider.ts'
import { callTool } from '../../container/runner/src/providers/demo/call-tool.ts'
import { ClaudeRig } from './claude-rig.ts'
import { CodexRig, responseStream, toolCall } from './codex-rig.ts'
import type { ModelServer } from './model-server.ts'
import { OpencodeRig } from './opencode-rig.ts'
import { running } from './process-list.ts'
import { ToolRig } from './tool-rig.ts'

/**
 * Our tool server, called by the real programs on this machine's loopback: whose call it is. What a tool does in a chat
 * is in the contract of providers.
 */
interface Runtime extends AsyncDisposable {
  readonly model: ModelServer
  turn(prompt: string, more?: object): Turn
}

const disposed: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of disposed.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

function kept<T extends AsyncDisposable>(one: T): T {
  disposed.push(one)
  return one
}

/** Runs a turn to its end, which its tools know. */
async function run(
  rig: Runtime,
  tools: ToolRig,
  prompt: string,
  more: { session: string },
): Promise<string[]> {
  const end = tools.begin(more.session)
  const said: string[] = []
  try {
    const events: AsyncIterable<TurnEvent> = rig.turn(prompt, more)
    for await (const event of events) {
      if (event.type === 'message') said.push(event.text)
      if (event.type === 'failed') said.push(`failed: ${event.message}`)
    }
    return said
  } finally {
    end()
  }
}

const SESSIONS = Array.from({ length: 12 }, (_, n) => ({ word: `ping-${700 + n}`, session: `chat-${n}` }))

async function expectEachItsOwn(rig: Runtime, tools: ToolRig): Promise<void> {
  const answers = await Promise.all(SESSIONS.map(({ word, session }) => run(rig, tools, word, { session })))
  expect(answers).toEqual(SESSIONS.map(({ word }) => [`heard ${word}`]))
  const wanted = SESSIONS.map(({ word, session }) => ({ session, text: `by ${word}` }))
  const bySession = (a: { session: string }, b: { session: string }) => (a.session < b.session ? -1 : 1)
  expect([...tools.sent].sort(bySession)).toEqual(wanted.sort(bySession))
}

describe('our tool server', () => {
  it('knows the session of each call of claude', async () => {
    const tools = kept(await ToolRig.start())
    const rig = kept(await ClaudeRig.start())
    rig.tools = tools.server
    await rig.restart()
    for (const { word } of SESSIONS) {
      const tool = { name: 'mcp__creel__send_message', arguments: { text: `by ${word}` } }
      rig.model.on(word, { tool })
      rig.model.on(word, { text: `heard ${word}` }, 'tool-result')
    }
    await expectEachItsOwn(rig, tools)
    const [call] = rig.model.calls(SESSIONS[0]?.word ?? '')
    // In the first request: not behind a search.
    expect(call?.text).toContain('Sends a message to the chat that this turn came from')
  })

  it('knows the session of each call of codex, and starts no process for it', async () => {
    const tools = kept(await ToolRig.start())
    const rig = kept(await CodexRig.start())
    rig.tools = tools.server
    rig.provider = rig.make()
    for (const { word } of SESSIONS) {
      const call = toolCall('send_message', { text: `by ${word}` }, 'mcp__creel')
      rig.model.fault(word, { pieces: responseStream(call) })
    }
    await expectEachItsOwn(rig, tools)
    expect(running(['codex', 'app-server'], rig.folder)).toHaveLength(1)
  })

  // Codex offers tools to models in three ways. aimock speaks none of them: it calls by a flat name. The calls are written
  // by hand, as the real service sends them.
  const exec = (input: string) => ({
    type: 'custom_tool_call',
    id: 'ctc_1',
    call_id: 'exec_1',
    name: 'exec',
    input,
  })
  const search = (query: string) => ({
    ...{
      type: 'tool_search_call',
      id: 'tsc_1',
      call_id: 'search_1',
      execution: 'client',
      status: 'completed',
    },
    arguments: { query, limit: 5 },
  })
  it.each([
    ['offered with the rest', 'gpt-unknown', [toolCall('send_message', { text: 'it' }, 'mcp__creel')]],
    [
      'found by a search',
      'gpt-5.5',
      [search('send message chat'), toolCall('send_message', { text: 'it' }, 'mcp__creel')],
    ],
    [
      'called from a program',
      'gpt-5.6-sol',
      [exec('text(await tools.mcp__creel__send_message({ text: "it" }))')],
    ],
  ] as const)(
    'is reached by codex as a tool that is %s, also in a resumed thread',
    async (_, model, items) => {
      const tools = kept(await ToolRig.start())
      const rig = kept(await CodexRig.start())
      rig.tools = tools.server
      rig.provider = rig.make()
      const call = async (word: string, resumeToken?: string) => {
        rig.model.fault(word, ...items.map((item) => ({ pieces: responseStream(item) })))
        const end = tools.begin('one')
        const events: TurnEvent[] = []
        const more = resumeToken === undefined ? {} : { resumeToken }
        for await (const event of rig.turn(word, { session: 'one', model, ...more })) events.push(event)
        end()
        expect(rig.model.faultsLeft).toBe(0)
        const results = rig.model.requests.filter(({ text }) => text.includes(word)).at(-1)?.text
        expect(results).toContain('Queued: ')
        const [started] = events.flatMap((event) => (event.type === 'started' ? [event.resumeToken] : []))
        return started
      }
      const token = await call('ping-801')
      await rig.provider.close()
      rig.provider = rig.make()
      await call('ping-802', token)
      expect(tools.sent).toEqual([
        { session: 'one', text: 'it' },
        { session: 'one', text: 'it' },
      ])
    },
  )

  it('knows the session of each call of opencode, of those that say the same at once, and of subagents', async () => {
    const tools = kept(await ToolRig.start())
    const rig = kept(await OpencodeRig.start())
    rig.tools = tools.server
    rig.provider = rig.make()
    const calls = (word: string, name: string, args: object) => {
      rig.model.on(word, { tool: { name, arguments: args } })
      rig.model.on(word, { text: `heard ${word}` }, 'tool-result')
    }
    for (const { word } of SESSIONS) calls(word, 'creel_send_message', { text: `by ${word}` })
    await expectEachItsOwn(rig, tools)
    tools.sent.length = 0
    calls('ping-900', 'creel_send_message', { text: 'the same' })
    await Promise.all(
      SESSIONS.map(({ session }) => run(rig, tools, 'ping-900', { session: `${session}-again` })),
    )
    expect(tools.sent.map(({ session }) => session).sort()).toEqual(
      SESSIONS.map(({ session }) => `${session}-again`).sort(),
    )
    tools.sent.length = 0
    const task = { description: 'x', prompt: 'do ping-902', subagent_type: 'general' }
    calls('ping-901', 'task', task)
    calls('ping-902', 'creel_send_message', { text: 'of the subagent' })
    expect(await run(rig, tools, 'ping-901', { session: 'parent' })).toEqual(['heard ping-901'])
    expect(tools.sent).toEqual([{ session: 'parent', text: 'of the subagent' }])
  })

  it('does nothing for a session without a running turn, another key, another name of the host or a page', async () => {
    const tools = kept(await ToolRig.start())
    const servers = tools.server.serversOf('one')
    const send = () => callTool(servers, 'send_message', '{"text":"hi"}')
    expect(await send()).toMatch(/^error: No turn of this conversation is running/)
    const end = tools.begin('one')
    expect(await send()).toMatch(/^Queued/)
    const url = servers.creel?.url ?? ''
    const other = { creel: { url: tools.server.serversOf('two').creel?.url ?? '' } }
    expect(await callTool(other, 'send_message', '{"text":"hi"}')).toMatch(/^error: No turn/)
    expect(await callTool(tools.server.shared, 'send_message', '{"text":"hi"}')).toMatch(/^error: No turn/)
    const post = (headers: Record<string, string>, body = '{}') =>
      fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
    expect((await post({ origin: 'http://127.0.0.1' })).status).toBe(403)
    expect((await fetch(url)).status).toBe(405)
    const large = await post({}, 'x'.repeat(1_100_000)).catch(() => undefined)
    expect(large === undefined || large.status === 413).toBe(true)
    expect(tools.sent).toHaveLength(1)
    end()
    expect(await send()).toMatch(/^error: No turn/)
  })
})
