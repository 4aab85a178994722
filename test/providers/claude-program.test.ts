import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { all, ClaudeRig, messages, tokenOf } from './claude-rig.ts'
import { outermost } from './outermost.ts'

let rig: ClaudeRig
beforeEach(async () => {
  rig = await ClaudeRig.start({ instructions: 'You are PERSONA-77.' })
})
afterEach(() => rig[Symbol.asyncDispose]())

const bash = (command: string) => ({ name: 'Bash', arguments: { command, description: 'a test' } })

describe('Claude Code', () => {
  it('answers from a warm process, remembers, and counts each turn by itself', async () => {
    const first = await rig.ask('ping-101')
    const token = tokenOf(first)
    expect(messages(first)).toEqual(['heard ping-101'])
    const second = await rig.ask('ping-102', token)
    expect(messages(second)).toEqual(['heard ping-102'])
    expect(tokenOf(second)).toEqual(token)
    expect(second).toContainEqual(
      expect.objectContaining({ type: 'usage', inputTokens: 11, outputTokens: 7 }),
    )
    const call = rig.model.calls('ping-102')[0]?.text
    expect(call).toContain('ping-101')
    expect(call).toContain('PERSONA-77')
    expect(rig.model.calls().length).toBe(2)
  })

  it('shortens the conversation when asked to, and says when there is nothing to shorten or it failed', async () => {
    const token = tokenOf(await rig.ask('ping-101'))
    await rig.ask('ping-102', token)
    const asked = await rig.ask('', { ...token, kind: 'compact' })
    expect(asked).toContainEqual(expect.objectContaining({ type: 'phase', phase: 'compacting' }))
    expect(asked).toContainEqual(expect.objectContaining({ type: 'compacted', beforeTokens: 18 }))
    expect(asked.at(-1)).toEqual({ type: 'completed' })
    expect(messages(await rig.ask('ping-103', token))).toEqual(['heard ping-103'])
    expect(rig.model.calls('ping-103')[0]?.text).not.toContain('ping-101')
    expect(rig.model.calls('ping-103')[0]?.text).toContain('continued from a previous conversation')
    rig.model.fault('summary', ...Array.from({ length: 20 }, () => ({ status: 400 })))
    expect((await rig.ask('', { ...token, kind: 'compact' })).at(-1)).toMatchObject({ type: 'failed' })
    rig.model.clearFaults()
    expect(messages(await rig.ask('ping-104', token))).toEqual(['heard ping-104'])
  })

  it('resumes in another process, with instructions that were changed meanwhile', async () => {
    const token = tokenOf(await rig.ask('ping-101'))
    await rig.restart({ instructions: 'You are PERSONA-88.' })
    const again = await rig.ask('ping-102', token)
    expect(tokenOf(again)).toEqual(token)
    const call = rig.model.calls('ping-102')[0]?.text
    expect(call).toContain('heard ping-101')
    expect(call).toContain('PERSONA-88')
    expect(call).not.toContain('PERSONA-77')
  })

  it.each(['01890000-0000-7000-8000-000000000000', 'not an id', '--help'])(
    'says that the session %s is lost, and goes on with a new one',
    async (resumeToken) => {
      expect((await rig.ask('ping-101', { resumeToken })).at(-1)).toMatchObject({
        type: 'failed',
        reason: 'resume-lost',
      })
      expect(messages(await rig.ask('ping-102'))).toEqual(['heard ping-102'])
    },
  )

  it('answers or says that the session is lost when its transcript is garbage', async () => {
    const token = tokenOf(await rig.ask('ping-101'))
    await rig.provider.close()
    for (const path of rig.transcripts()) writeFileSync(path, '\u0000garbage{"a":\n')
    await rig.restart()
    const end = (await rig.ask('ping-102', token)).at(-1)
    expect(end?.type === 'completed' || (end?.type === 'failed' && end.reason === 'resume-lost')).toBe(true)
  })

  it('sends instructions of any length whole or with a note, never not at all', async () => {
    await rig.restart({ instructions: `# Me\nPERSONA-99\n## Big\n${'x'.repeat(150_000)}` })
    await rig.ask('ping-101')
    const call = rig.model.calls('ping-101')[0]?.text
    expect(call).toContain('PERSONA-99')
    expect(call).toMatch(/AGENTS\.md ends here for lack of room: \d+ of its 150023 bytes/)
    expect(rig.logged.join()).toContain('instructions_shortened')
  })

  it('asks with the model and the effort of the turn', async () => {
    const token = tokenOf(await rig.ask('ping-101', { model: 'claude-opus-5-5', effort: 'low' }))
    await rig.ask('ping-102', { ...token, model: 'claude-sonnet-4-6', effort: 'high' })
    const sent = ['ping-101', 'ping-102'].map((part) => {
      const call = JSON.parse(rig.model.calls(part)[0]?.text ?? '{}')
      return [call.model, call.output_config?.effort]
    })
    expect(sent).toEqual([
      ['claude-opus-5-5', 'low'],
      ['claude-sonnet-4-6', 'high'],
    ])
  })

  it('loads nothing that the agent may have planted', async () => {
    const hook = {
      hooks: { SessionStart: [{ hooks: [{ type: 'command', command: `touch ${rig.folder}/hooked` }] }] },
    }
    const server = {
      mcpServers: { planted: { command: '/bin/sh', args: ['-c', `touch ${rig.folder}/served`] } },
    }
    for (const parent of [join(rig.home, '.claude'), join(rig.workspace, '.claude')]) {
      mkdirSync(parent, { recursive: true })
      const settings = { ...hook, env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' } }
      writeFileSync(join(parent, 'settings.json'), JSON.stringify(settings))
      writeFileSync(join(parent, 'CLAUDE.md'), 'PLANTED-1')
    }
    writeFileSync(join(rig.workspace, '.mcp.json'), JSON.stringify(server))
    writeFileSync(join(rig.home, '.claude', '.claude.json'), JSON.stringify(server))
    writeFileSync(join(rig.workspace, 'CLAUDE.md'), 'PLANTED-2')
    writeFileSync(join(rig.workspace, 'AGENTS.md'), 'PLANTED-3')
    // Planted while the provider lives, which has cleaned the home when it was made.
    expect(messages(await rig.ask('ping-101'))).toEqual(['heard ping-101'])
    expect(rig.model.calls('ping-101')[0]?.text).not.toMatch(/PLANTED-|mcp__planted/)
    expect(['hooked', 'served'].filter((name) => existsSync(join(rig.folder, name)))).toEqual([])
  })

  it('runs a tool, and shows which', async () => {
    rig.model.on('ping-101', { text: 'Let me look.', tool: bash('echo found-$((40+2))') })
    rig.model.on('ping-101', { text: 'It is 42.' }, 'tool-result')
    const events = await rig.ask('ping-101')
    expect(events.filter(({ type }) => type === 'tool')).toEqual([
      { type: 'tool', phase: 'started', name: 'Bash' },
      { type: 'tool', phase: 'ended', name: 'Bash' },
    ])
    expect(messages(events)).toEqual(['It is 42.'])
    expect(rig.model.calls('found-42').length).toBeGreaterThan(0)
  })

  it('offers the tools of a server in the first request, and uses them', async () => {
    const script = join(import.meta.dirname, 'echo-mcp-server.mjs')
    const lab = { command: process.execPath, args: [script, '500'], env: { LAB: 'env-of-lab' } }
    await rig.restart({ mcpServers: { lab } })
    rig.model.on('ping-101', { tool: { name: 'mcp__lab__echo_token', arguments: { text: 'abc' } } })
    rig.model.on('ping-101', { text: 'It said it.' }, 'tool-result')
    expect(messages(await rig.ask('ping-101'))).toEqual(['It said it.'])
    const [first] = rig.model.calls('ping-101')
    // What the server says of itself, too: we do not have to.
    expect(first?.text).toContain('LAB-SAYS-71')
    const tools: { name: string; input_schema?: object }[] = JSON.parse(first?.text ?? '{}').tools
    expect(tools.find(({ name }) => name === 'mcp__lab__echo_token')?.input_schema).toMatchObject({
      type: 'object',
    })
    expect(rig.model.calls('TOKEN-RESULT:abc:env-of-lab').length).toBeGreaterThan(0)
  })

  it('says that a tool server does not start, and answers without it', async () => {
    await rig.restart({ mcpServers: { lab: { command: '/nonexistent/lab' } } })
    const said = messages(await rig.ask('ping-101'))
    expect(said).toEqual([expect.stringContaining('"lab"'), 'heard ping-101'])
  })
})

describe('a running turn of Claude Code', () => {
  it('takes what is said while it writes, and answers both', async () => {
    rig.model.on('ping-101', { text: `heard ping-101 ${'and so on '.repeat(10)}`, pieceMs: 50 })
    const turn = rig.turn('ping-101')
    let steered: Promise<string> | undefined
    const events = await all(turn, ({ type }) => {
      if (type === 'delta') steered ??= turn.steer('ping-102')
    })
    expect(await steered).toBe('accepted')
    expect(messages(events)).toEqual([expect.stringMatching(/^heard ping-101/), 'heard ping-102'])
    expect(events.at(-1)).toEqual({ type: 'completed' })
    expect(await turn.steer('ping-103')).toBe('too-late')
  })

  it('takes what is said while a tool runs into the same answer', async () => {
    rig.model.on('ping-101', { tool: bash('sleep 1') })
    rig.model.on('ping-101', { text: 'heard both' }, 'tool-result')
    const turn = rig.turn('ping-101')
    let steered: Promise<string> | undefined
    const events = await all(turn, ({ type }) => {
      if (type === 'tool') steered ??= turn.steer('and ping-102')
    })
    expect(await steered).toBe('accepted')
    expect(messages(events)).toHaveLength(1)
    expect(rig.model.calls('and ping-102').length).toBeGreaterThan(0)
  })

  it.each(['delta', 'tool'])('is stopped soon at a %s, and the session goes on', async (at) => {
    rig.model.on('ping-101', { text: 'word '.repeat(50), pieceMs: 100 })
    if (at === 'tool') rig.model.on('ping-101', { tool: bash('sleep 61.5 & sleep 61.5') })
    const abort = new AbortController()
    let began = 0
    const events = await all(rig.turn('ping-101', {}, abort.signal), ({ type }) => {
      if (type !== at || began > 0) return
      // A tool that has begun to run, not one that is only announced.
      setTimeout(() => {
        began = performance.now()
        abort.abort()
      }, 500)
    })
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(events.at(-1)).toEqual({ type: 'interrupted' })
    await vi.waitFor(() => expect(rig.processes('61.5')).toEqual([]))
    expect(messages(await rig.ask('ping-102', tokenOf(events)))).toEqual(['heard ping-102'])
  })

  it('leaves nothing behind when its process is killed, and the session goes on', async () => {
    rig.model.on('ping-101', { tool: bash('setsid sleep 62.5 & sleep 62.5') })
    const killed = all(rig.turn('ping-101'))
    await vi.waitFor(() => expect(rig.processes('62.5').length).toBeGreaterThan(1), { timeout: 10_000 })
    const ours = rig.processes(rig.home)
    const programs = outermost(rig.processes('claude-agent-sdk-linux').filter((pid) => ours.includes(pid)))
    expect(programs).toHaveLength(1)
    for (const pid of programs) process.kill(pid, 'SIGKILL')
    const events = await killed
    expect(events.at(-1)).toMatchObject({ type: 'failed', reason: 'crashed' })
    await vi.waitFor(() => expect(rig.processes('sleep\u000062.5')).toEqual([]))
    expect(messages(await rig.ask('ping-102', tokenOf(events)))).toEqual(['heard ping-102'])
  })

  it('leaves nothing behind when the provider is closed', async () => {
    rig.model.on('ping-101', { tool: bash('setsid sleep 63.5 >/dev/null 2>&1 & echo ok') })
    rig.model.on('ping-101', { text: 'done' }, 'tool-result')
    await rig.ask('ping-101')
    await rig.provider.close()
    expect(rig.processes(rig.home)).toEqual([])
    expect(rig.processes('sleep\u000063.5')).toEqual([])
  })

  it('is not held up by a bad key', async () => {
    const refused = { status: 401 }
    rig.model.fault('ping-101', refused, refused, refused, refused, refused, refused, refused)
    const began = performance.now()
    expect((await rig.ask('ping-101')).at(-1)).toMatchObject({ type: 'failed', reason: 'auth' })
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(rig.model.calls('ping-101').length).toBeLessThanOrEqual(3)
  })

  it('does not sit out a wait of ten minutes', async () => {
    rig.model.fault('ping-101', { status: 429, headers: { 'retry-after': '600' } })
    const began = performance.now()
    expect((await rig.ask('ping-101')).at(-1)).toMatchObject({ type: 'failed', reason: 'rate-limited' })
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
