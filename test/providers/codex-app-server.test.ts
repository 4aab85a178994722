import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { all, CodexRig, messages, responseStream, tokenOf, toolCall } from './codex-rig.ts'
import { running, until } from './process-list.ts'

/** The real codex app-server with the mock model on this machine's loopback; in its container it is in codex.test.ts. */

const PERSONA = 'PERSONA-MARK-17'
const MCP_SERVER = join(import.meta.dirname, 'echo-mcp-server.mjs')

describe('codex app-server', () => {
  let rig: CodexRig
  let n = 100
  const next = () => `ping-${++n}`

  beforeAll(async () => {
    rig = await CodexRig.start({
      instructions: `You are Wanda. ${PERSONA}`,
      mcpServers: { lab: { command: process.execPath, args: [MCP_SERVER, '500'], env: { LAB: 'lab-1' } } },
    })
  })
  afterEach(() => rig.model.clearFaults())
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it('remembers in the next turn and after a restart, and gives the persona; the key is a placeholder', async () => {
    const [first, second, third] = [next(), next(), next()]
    const begun = await rig.ask(first)
    expect(messages(begun)).toEqual([`heard ${first}`])
    expect(begun.at(-1)).toEqual({ type: 'completed' })
    const resumeToken = tokenOf(begun)
    await rig.ask(second, { resumeToken })
    expect(rig.seen(second)).toContain(`heard ${first}`)
    expect(rig.seen(second)).toContain(PERSONA)
    // What its tool server says of itself: we do not have to.
    expect(rig.seen(second)).toContain('LAB-SAYS-71')
    expect(rig.model.calls(second)[0]?.headers.authorization).toBe('Bearer placeholder')
    await rig.provider.close()
    rig.provider = rig.make({ instructions: 'You are Wanda. CHANGED-MARK-18' })
    expect(tokenOf(await rig.ask(third, { resumeToken }))).toBe(resumeToken)
    expect(rig.seen(third)).toContain(`heard ${second}`)
    // New instructions reach a conversation that began with others.
    expect(rig.seen(third)).toContain('CHANGED-MARK-18')
  })

  it('shortens a thread when asked to, and counts what that cost', async () => {
    const [first, second] = [next(), next()]
    const resumeToken = tokenOf(await rig.ask(first))
    const asked = await rig.ask('', { resumeToken, kind: 'compact' })
    expect(asked).toContainEqual({ type: 'phase', phase: 'compacting' })
    expect(asked.slice(-2)).toEqual([{ type: 'compacted' }, { type: 'completed' }])
    const spent = asked.flatMap((event) => (event.type === 'usage' ? [event.inputTokens] : []))
    expect(spent.reduce((sum, tokens) => sum + tokens, 0)).toBe(11)
    expect(messages(await rig.ask(second, { resumeToken }))).toEqual([`heard ${second}`])
    expect(rig.seen(second)).not.toContain('assistant')
  })

  it('reports the usage of each call', async () => {
    const used = (await rig.ask(next())).filter(({ type }) => type === 'usage')
    expect(used).toEqual([
      {
        type: 'usage',
        model: 'gpt-5.5',
        inputTokens: 11,
        outputTokens: 7,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
      },
    ])
  })

  it('says that it does not know a session, of its own form or not', async () => {
    for (const resumeToken of ['01890000-0000-7000-8000-000000000000', 'garbage', '../../etc/passwd']) {
      expect(await rig.ask(next(), { resumeToken })).toMatchObject([
        { type: 'failed', reason: 'resume-lost' },
      ])
    }
    expect(messages(await rig.ask(next()))).toHaveLength(1)
  })

  it('gives each of thirty sessions at once its own answers, from one process', async () => {
    const sessions = Array.from({ length: 30 }, (_, i) => ({ session: `chat-${i}`, words: [next(), next()] }))
    const answers = await Promise.all(
      sessions.map(async ({ session, words: [first = '', second = ''] }) => {
        const begun = await rig.ask(first, { session })
        const resumed = await rig.ask(second, { session, resumeToken: tokenOf(begun) })
        return [messages(begun), messages(resumed)]
      }),
    )
    expect(answers).toEqual(sessions.map(({ words }) => words.map((word) => [`heard ${word}`])))
    for (const {
      words: [first = '', second = ''],
    } of sessions) {
      expect(new Set(rig.seen(second).match(/\bping-\d+/g))).toEqual(new Set([first, second]))
    }
    expect(appServer()).toHaveLength(1)
  })

  it('waits for its tool servers, and calls them', async () => {
    const word = next()
    rig.model.fault(word, { pieces: responseStream(toolCall('echo_token', { text: 'abc' }, 'mcp__lab')) })
    const events = await rig.ask(word)
    expect(events.filter(({ type }) => type === 'tool')).toEqual([
      { type: 'tool', phase: 'started', name: 'lab.echo_token' },
      { type: 'tool', phase: 'ended', name: 'lab.echo_token' },
    ])
    expect(rig.seen('TOKEN-RESULT')).toContain('TOKEN-RESULT:abc:lab-1')
    expect(events.at(-1)).toEqual({ type: 'completed' })
  })

  it('takes a steer while text streams, and sends nothing of the text that it cut off', async () => {
    const [word, more] = [next(), next()]
    rig.model.on(word, { text: `DROPPED ${'and so on '.repeat(100)}`, pieceMs: 50 })
    const turn = rig.turn(word)
    const events = all(turn)
    await until('the call', () => rig.model.calls(word).length > 0)
    expect(await turn.steer(`and also ${more}`)).toBe('accepted')
    expect(messages(await events)).toEqual([`heard ${more}`])
    expect(rig.seen(more)).toContain(word)
    expect(await turn.steer('too late')).toBe('too-late')
  })

  it('takes a steer while a tool runs', async () => {
    const [word, more] = [next(), next()]
    rig.model.fault(word, {
      pieces: responseStream(toolCall('exec_command', { cmd: 'sleep 1; echo done-it' })),
    })
    const turn = rig.turn(word)
    const events: string[] = []
    let steered: Promise<string> | undefined
    for await (const event of turn) {
      if (event.type === 'tool' && event.phase === 'started') steered = turn.steer(`and also ${more}`)
      if (event.type === 'message') events.push(event.text)
    }
    expect(await steered).toBe('accepted')
    expect(events).toEqual([`heard ${more}`])
    expect(rig.seen(more)).toContain('done-it')
  })

  it('stops within a second while text streams, drops what it said, and answers the next', async () => {
    const [word, after] = [next(), next()]
    rig.model.on(word, { text: `DROPPED ${'and so on '.repeat(100)}`, pieceMs: 50 })
    const abort = new AbortController()
    const stopped: number[] = []
    const types: string[] = []
    let resumeToken = ''
    for await (const event of rig.turn(word, {}, abort.signal)) {
      types.push(event.type)
      if (event.type === 'started') resumeToken = event.resumeToken ?? ''
      if (event.type === 'delta' && stopped.length === 0) {
        stopped.push(performance.now())
        abort.abort()
      }
    }
    expect(performance.now() - (stopped[0] ?? 0)).toBeLessThan(1_000)
    expect(types.at(-1)).toBe('interrupted')
    expect(types).not.toContain('message')
    expect(messages(await rig.ask(after, { resumeToken }))).toEqual([`heard ${after}`])
    expect(rig.seen(after)).not.toContain('DROPPED')
  })

  it('stops within a second while a command runs, and ends the command', async () => {
    const word = next()
    const seconds = `7${n}`
    const cmd = `sleep ${seconds}`
    rig.model.fault(word, { pieces: responseStream(toolCall('exec_command', { cmd })) })
    const abort = new AbortController()
    const seen: string[] = []
    let before = 0
    for await (const event of rig.turn(word, {}, abort.signal)) {
      if (event.type !== 'activity') seen.push(event.type)
      if (event.type !== 'tool' || event.phase !== 'started') continue
      await until('the command', () => running(['sleep', seconds], rig.folder).length > 0)
      before = performance.now()
      abort.abort()
    }
    expect(performance.now() - before).toBeLessThan(1_000)
    expect(seen.filter((type) => type === 'tool')).toHaveLength(2)
    expect(seen.at(-1)).toBe('interrupted')
    await until('the end of the command', () => running(['sleep', seconds], rig.folder).length === 0)
  })

  it('ends its turns at once with how it died, leaves nothing behind, and answers the next', async () => {
    const [slow, word] = [next(), next()]
    const seconds = `8${n}`
    const cmd = `sleep ${seconds}`
    rig.model.on(slow, { text: 'and so on '.repeat(200), pieceMs: 100 })
    rig.model.fault(word, {
      pieces: responseStream(toolCall('exec_command', { cmd: `setsid ${cmd} & ${cmd}` })),
    })
    const begun = await rig.ask(next(), { session: 'killed' })
    const turns = [
      all(rig.turn(slow, { session: 'slow' })),
      all(rig.turn(word, { session: 'killed', resumeToken: tokenOf(begun) })),
    ]
    await until(
      'the command',
      () => running(['sleep', seconds], rig.folder).length >= 2 && rig.model.calls(slow).length > 0,
    )
    for (const pid of appServer()) process.kill(pid, 'SIGKILL')
    for (const events of await Promise.all(turns)) {
      expect(events.at(-1)).toEqual({
        type: 'failed',
        reason: 'crashed',
        message: 'codex app-server ended: signal SIGKILL',
      })
    }
    await until('the end of its commands', () => running(['sleep', seconds], rig.folder).length === 0)
    const after = next()
    expect(messages(await rig.ask(after, { session: 'killed', resumeToken: tokenOf(begun) }))).toEqual([
      `heard ${after}`,
    ])
  })

  it('does not load settings, hooks or instructions that an agent planted', async () => {
    await rig.provider.close()
    const planted = { home: join(rig.folder, 'home/.codex'), workspace: join(rig.folder, 'workspace/.codex') }
    mkdirSync(planted.workspace, { recursive: true })
    for (const folder of Object.values(planted)) {
      writeFileSync(
        join(folder, 'config.toml'),
        'model = "gpt-planted"\ndeveloper_instructions = "PLANTED-MARK"\n',
      )
      writeFileSync(join(folder, 'AGENTS.override.md'), 'PLANTED-MARK')
    }
    rig.provider = rig.make()
    const word = next()
    expect(messages(await rig.ask(word))).toEqual([`heard ${word}`])
    expect(rig.seen(word)).not.toContain('PLANTED-MARK')
    expect(rig.seen(word)).not.toContain('gpt-planted')
    expect(rig.seen(word)).toContain(PERSONA)
    rmSync(planted.workspace, { recursive: true })
  })

  it('cuts instructions that are too long in the open, and gives as many as it says', async () => {
    await rig.provider.close()
    const rules = Array.from({ length: 9_000 }, (_, i) => `Rule ${i}.`)
    rig.provider = rig.make({ instructions: rules.join('\n') })
    const word = next()
    await rig.ask(word)
    const seen = rig.seen(word)
    expect(seen).toContain('Rule 5000.')
    expect(seen).not.toContain('Rule 8999.')
    expect(seen).toMatch(/\[AGENTS\.md ends here for lack of room: \d+ of its \d+ bytes/)
    expect(rig.logged.some((line) => line.startsWith('instructions_shortened'))).toBe(true)
  })

  it('passes on model and effort', async () => {
    const word = next()
    await rig.ask(word, { session: 'other', model: 'gpt-5.4', effort: 'high' })
    expect(JSON.parse(rig.seen(word))).toMatchObject({ model: 'gpt-5.4', reasoning: { effort: 'high' } })
  })

  it('says which tool servers do not start, and goes on with the others', async () => {
    await rig.provider.close()
    const broken = { command: 'no-such-server', args: [], env: {} }
    const lab = { command: process.execPath, args: [MCP_SERVER], env: { LAB: 'lab-2' } }
    rig.provider = rig.make({ mcpServers: { broken, lab, dead: { ...broken, command: 'false' } } })
    const [word, other] = [next(), next()]
    rig.model.fault(word, { pieces: responseStream(toolCall('echo_token', { text: 'abc' }, 'mcp__lab')) })
    expect(messages(await rig.ask(word))).toEqual([`heard ${word}`])
    expect(rig.seen(word)).toContain('TOKEN-RESULT:abc:lab-2')
    expect(messages(await rig.ask(other, { session: 'another' }))).toEqual([`heard ${other}`])
    const down = rig.logged.filter((line) => line.startsWith('down: '))
    expect(down.sort()).toEqual(['down: broken', 'down: dead'])
    await rig.provider.close()
    rig.provider = rig.make()
  })

  it('closes with a command running, and leaves no process behind', async () => {
    const word = next()
    const seconds = `9${n}`
    const cmd = `sleep ${seconds}`
    rig.model.fault(word, {
      pieces: responseStream(toolCall('exec_command', { cmd: `setsid ${cmd} & ${cmd}` })),
    })
    const events = all(rig.turn(word))
    await until('the command', () => running(['sleep', seconds], rig.folder).length >= 2)
    expect(running([MCP_SERVER], rig.folder).length).toBeGreaterThan(0)
    await rig.provider.close()
    expect((await events).at(-1)).toMatchObject({ type: 'failed', reason: 'crashed' })
    expect(running(['sleep', seconds], rig.folder)).toEqual([])
    expect(running([MCP_SERVER], rig.folder)).toEqual([])
    expect(appServer()).toEqual([])
  })

  /** The app-server of this rig, known by its home. */
  function appServer(): number[] {
    return running(['codex', 'app-server'], rig.folder)
  }
})
