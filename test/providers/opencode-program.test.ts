import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { errorBody } from './model-server.ts'
import { messages, OpencodeRig, tokenOf } from './opencode-rig.ts'
import { outermost } from './outermost.ts'

/** An MCP server in one file, without a library: one tool that gives back what it is given. */
const TOOL_SERVER = `
const say = (answer) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...answer }) + '\\n')
const tool = { name: 'echo_token', description: 'echo', inputSchema: { type: 'object', properties: { value: { type: 'string' } } } }
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'lab', version: '1' }, instructions: 'LAB-SAYS-71' } })
  else if (method === 'tools/list') say({ id, result: { tools: [tool] } })
  else if (method === 'tools/call') say({ id, result: { content: [{ type: 'text', text: process.env.PREFIX + params.arguments.value }] } })
  else if (id !== undefined) say({ id, result: {} })
})`

describe('opencode, the real program', () => {
  let rig: OpencodeRig
  beforeAll(async () => {
    const lab = { command: process.execPath, args: ['-e', TOOL_SERVER], env: { PREFIX: 'TOKEN-' } }
    rig = await OpencodeRig.start({ instructions: 'PERSONA-71', mcpServers: { lab } })
    // What an agent could plant: none of it may have an effect.
    for (const place of [join(rig.workspace, '.opencode'), join(rig.home, '.opencode')]) {
      mkdirSync(join(place, 'command'), { recursive: true })
      writeFileSync(
        join(place, 'opencode.json'),
        '{"instructions":["planted.md"],"model":"anthropic/claude-opus-4-5"}',
      )
    }
    writeFileSync(join(rig.workspace, 'opencode.json'), '{"small_model":"anthropic/planted"}')
    writeFileSync(join(rig.workspace, 'planted.md'), 'PLANTED-INSTRUCTIONS')
    writeFileSync(join(rig.workspace, 'AGENTS.md'), 'PLANTED-PERSONA')
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it('shortens a session when asked to', async () => {
    const resumeToken = tokenOf(await rig.ask('ping-701'))
    await rig.ask('ping-702', { resumeToken })
    const asked = await rig.ask('', { resumeToken, kind: 'compact' })
    expect(asked.map(({ type }) => type)).toEqual(['started', 'phase', 'usage', 'compacted', 'completed'])
    expect(messages(await rig.ask('ping-703', { resumeToken }))).toEqual(['heard ping-703'])
    expect(rig.model.calls('ping-703')[0]?.text).not.toContain('ping-701')
  })

  it('answers with the persona of the group, remembers, and takes nothing that was planted', async () => {
    const before = rig.model.requests.length
    const first = await rig.ask('ping-101')
    expect(messages(first)).toEqual(['heard ping-101'])
    expect(first.at(-1)).toEqual({ type: 'completed' })
    expect(first).toContainEqual(expect.objectContaining({ type: 'usage', inputTokens: 11, outputTokens: 7 }))
    const second = await rig.ask('ping-102', { resumeToken: tokenOf(first) })
    expect(messages(second)).toEqual(['heard ping-102'])
    const call = rig.model.calls('ping-102')[0]
    expect(call?.text).toContain('PERSONA-71')
    // What its tool server says of itself: we do not have to.
    expect(call?.text).toContain('LAB-SAYS-71')
    expect(call?.text).toContain('heard ping-101')
    expect(call?.text).not.toContain('PLANTED')
    expect(JSON.parse(call?.text ?? '')).toMatchObject({ model: 'claude-sonnet-4-5' })
    // No side calls, for a title or anything else.
    expect(rig.model.requests).toHaveLength(before + 2)
  })

  it('installs nothing into its folders of configuration', () => {
    const config = join(rig.home, '.creel/opencode/config/opencode')
    expect(readdirSync(join(config, 'node_modules'))).toEqual([])
    expect(existsSync(join(config, 'package.json'))).toBe(false)
    for (const place of [rig.workspace, rig.home])
      expect(readdirSync(join(place, '.opencode')).sort()).toEqual(['command', 'opencode.json'])
  })

  it('sends the model and the effort that a turn asks for', async () => {
    await rig.ask('ping-103', { model: 'claude-opus-4-5', effort: 'high' })
    expect(JSON.parse(rig.model.calls('ping-103')[0]?.text ?? '')).toMatchObject({
      model: 'claude-opus-4-5',
      output_config: { effort: 'high' },
    })
  })

  it('uses a tool server of the group from its first call', async () => {
    rig.model.on('use-201', { tool: { name: 'lab_echo_token', arguments: { value: '201' } } })
    rig.model.on('use-201', { text: 'used it' }, 'tool-result')
    const events = await rig.ask('use-201')
    expect(messages(events)).toEqual(['used it'])
    expect(events.filter(({ type }) => type === 'tool')).toEqual([
      { type: 'tool', phase: 'started', name: 'lab_echo_token' },
      { type: 'tool', phase: 'ended', name: 'lab_echo_token' },
    ])
    expect(rig.model.calls('use-201').at(-1)?.text).toContain('TOKEN-201')
  })

  it('takes more input into a running turn', async () => {
    rig.model.on('slow-301', { text: `heard slow-301 ${'and so on '.repeat(20)}`, pieceMs: 100 })
    const turn = rig.turn('slow-301')
    const said: string[] = []
    let steered: Promise<string> | undefined
    let ends = 0
    for await (const event of turn) {
      if (event.type === 'delta') steered ??= turn.steer('ping-302')
      if (event.type === 'message') said.push(event.text)
      if (event.type === 'completed') ends++
    }
    expect(await steered).toBe('accepted')
    expect(said).toEqual([expect.stringContaining('heard slow-301'), 'heard ping-302'])
    expect(ends).toBe(1)
  })

  it('stops within a second, with the tool it runs, and answers the next', async () => {
    rig.model.on('run-401', {
      tool: { name: 'bash', arguments: { command: 'sleep 4010', description: 'x' } },
    })
    const stop = new AbortController()
    const types: string[] = []
    let aborted = 0
    const turn = rig.turn('run-401', {}, stop.signal)
    for await (const event of turn) {
      types.push(event.type)
      if (event.type !== 'tool') continue
      await vi.waitFor(() => expect(rig.processes('sleep 4010')).not.toEqual([]), { timeout: 10_000 })
      aborted = performance.now()
      stop.abort()
    }
    expect(types.at(-1)).toBe('interrupted')
    expect(performance.now() - aborted).toBeLessThan(1_000)
    await vi.waitFor(() => expect(rig.processes('sleep 4010')).toEqual([]), { timeout: 5_000 })
    expect(messages(await rig.ask('ping-402'))).toEqual(['heard ping-402'])
  })

  it.each([
    [{ status: 401 }, 'auth'],
    [{ status: 400, body: errorBody('invalid_request_error', 'Your credit balance is too low') }, 'quota'],
  ])('fails on %j as %s', async (fault, reason) => {
    rig.model.fault('fail-501', fault, fault)
    expect((await rig.ask('fail-501')).at(-1)).toMatchObject({ type: 'failed', reason })
    rig.model.clearFaults()
  })

  it('goes on by itself when the conversation is too long for the model: the server compacts it', async () => {
    const before = await rig.ask('ping-511')
    rig.model.fault('ping-512', {
      status: 400,
      body: errorBody('invalid_request_error', 'prompt is too long: 9 tokens > 8 maximum'),
    })
    const events = await rig.ask('ping-512', { resumeToken: tokenOf(before) })
    expect(events.at(-1)).toEqual({ type: 'completed' })
    expect(messages(events)).toHaveLength(1)
  })

  it('says a reply once whose stream was cut', async () => {
    rig.model.on('cut-601', { text: `heard cut-601 ${'and so on '.repeat(60)}the end`, pieceMs: 20 })
    rig.model.fault('cut-601', { cutAfter: 2_500 })
    const events = await rig.ask('cut-601')
    expect(rig.model.calls('cut-601')).toHaveLength(2)
    expect(messages(events)).toEqual([`heard cut-601 ${'and so on '.repeat(60)}the end`])
    const shown = events.map((event) => (event.type === 'delta' ? event.text : '')).join('')
    expect(shown).toBe(messages(events)[0])
  })

  it('knows a session of an earlier process, and that it does not know another', async () => {
    const before = await rig.ask('ping-701')
    await rig.provider.close()
    rig.provider = rig.make()
    expect(messages(await rig.ask('ping-702', { resumeToken: tokenOf(before) }))).toEqual(['heard ping-702'])
    expect(rig.model.calls('ping-702')[0]?.text).toContain('heard ping-701')
    for (const resumeToken of ['ses_000000000000aaaaaaaaaaaaaa', 'garbage'])
      expect((await rig.ask('ping-703', { resumeToken })).at(-1)).toMatchObject({ reason: 'resume-lost' })
  })

  it('is asked once what it is asked again after a try that came to nothing', async () => {
    const before = tokenOf(await rig.ask('ping-711'))
    rig.model.fault('ping-712', { hang: true })
    const stop = new AbortController()
    const first = rig.ask('ping-712', { resumeToken: before }, stop.signal)
    await vi.waitFor(() => expect(rig.model.calls('ping-712')).toHaveLength(1), { timeout: 10_000 })
    stop.abort()
    expect((await first).at(-1)).toEqual({ type: 'interrupted' })
    const again = await rig.ask('ping-712', { resumeToken: before, attempt: 2 })
    expect(messages(again)).toEqual(['heard ping-712'])
    const call = rig.model.calls('ping-712').at(-1)?.text ?? ''
    expect(call.match(/ping-712/g)).toHaveLength(1)
    expect(call).toContain('heard ping-711')
  })

  it('crashes with all its turns, leaves no tool behind, and is started again', async () => {
    rig.model.on('run-801', {
      tool: { name: 'bash', arguments: { command: 'sleep 8010', description: 'x' } },
    })
    const running = [rig.ask('run-801'), rig.ask('run-801', { session: 'other' })]
    await vi.waitFor(() => expect(rig.processes('sleep 8010').length).toBeGreaterThan(1), { timeout: 20_000 })
    const servers = outermost(rig.processes('opencode serve'))
    expect(servers).toHaveLength(1)
    for (const pid of servers) process.kill(pid, 'SIGKILL')
    for (const events of await Promise.all(running))
      expect(events.at(-1)).toMatchObject({ type: 'failed', reason: 'crashed' })
    await vi.waitFor(() => expect(rig.processes('')).toEqual([]), { timeout: 5_000 })
    expect(messages(await rig.ask('ping-802'))).toEqual(['heard ping-802'])
  })

  it('serves thirty sessions at once from one process, and mixes no answers', async () => {
    const words = Array.from({ length: 30 }, (_, i) => `ping-${9000 + i}`)
    const first = await Promise.all(words.map((word) => rig.ask(word, { session: word })))
    expect(first.map(messages)).toEqual(words.map((word) => [`heard ${word}`]))
    expect(rig.processes('opencode serve')).toHaveLength(1)
    const again = await Promise.all(
      first.map((events, i) => rig.ask(`again-${8000 + i}`, { resumeToken: tokenOf(events) })),
    )
    expect(again.map(messages)).toEqual(words.map((_, i) => [`heard again-${8000 + i}`]))
    for (const [i, word] of words.entries()) {
      const call = rig.model.calls(`again-${8000 + i}`)[0]?.text ?? ''
      expect(call.match(/ping-9\d{3}/g)?.filter((seen) => seen !== word)).toEqual([])
    }
  })

  it('ends everything it started when it is closed', async () => {
    expect(rig.processes('')).not.toEqual([])
    await rig.provider.close()
    expect(rig.processes('')).toEqual([])
  })
})
