import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CodexRig, messages, responseStream, tokenOf, toolCall } from './codex-rig.ts'

/**
 * Codex offers the tools of MCP servers to models in three ways. aimock speaks none of them: it calls by a flat name.
 * The calls are written by hand, as the real service sends them.
 */
const MCP_SERVER = join(import.meta.dirname, 'echo-mcp-server.mjs')
const CALL = { text: 'abc' }

describe('codex app-server and the models it knows', () => {
  let rig: CodexRig
  let n = 100
  const next = () => `ping-${++n}`

  beforeAll(async () => {
    rig = await CodexRig.start({
      mcpServers: { lab: { command: process.execPath, args: [MCP_SERVER], env: { LAB: 'lab-1' } } },
    })
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it.each([
    ['offered with the rest', 'gpt-unknown', [toolCall('echo_token', CALL, 'mcp__lab')]],
    [
      'found by a search',
      'gpt-5.5',
      [
        {
          type: 'tool_search_call',
          id: 'tsc_1',
          call_id: 'search_1',
          execution: 'client',
          status: 'completed',
          arguments: { query: 'echo token', limit: 5 },
        },
        toolCall('echo_token', CALL, 'mcp__lab'),
      ],
    ],
    [
      'called from a program',
      'gpt-5.6-sol',
      [
        {
          type: 'custom_tool_call',
          id: 'ctc_1',
          call_id: 'exec_1',
          name: 'exec',
          input: 'text(await tools.mcp__lab__echo_token({ text: "abc" }))',
        },
      ],
    ],
  ] as const)('reaches a tool that is %s', async (_name, model, items) => {
    const word = next()
    rig.model.fault(word, ...items.map((item) => ({ pieces: responseStream(item) })))
    const events = await rig.ask(word, { session: model, model })
    expect(rig.model.faultsLeft).toBe(0)
    expect(events.filter((event) => event.type === 'tool' && event.name === 'lab.echo_token')).toEqual([
      { type: 'tool', phase: 'started', name: 'lab.echo_token' },
      { type: 'tool', phase: 'ended', name: 'lab.echo_token' },
    ])
    expect(rig.seen(word)).toContain('TOKEN-RESULT:abc:lab-1')
    expect(events.at(-1)).toEqual({ type: 'completed' })
  })

  it('goes on with another model in the same session', async () => {
    const [first, second] = [next(), next()]
    const begun = await rig.ask(first, { session: 'changing', model: 'gpt-5.5' })
    const events = await rig.ask(second, {
      session: 'changing',
      model: 'gpt-unknown',
      resumeToken: tokenOf(begun),
    })
    expect(messages(events)).toEqual([`heard ${second}`])
    expect(JSON.parse(rig.seen(second))).toMatchObject({ model: 'gpt-unknown' })
    // Codex may let the old model sum up what was said, and give the new one the summary alone.
    expect(rig.seen(second)).toContain(first)
  })
})
