import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunnerSettings, type TurnEvent, type TurnInput, TurnLimits } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type FakeAnswer,
  type FakeClaudeQuery,
  fakeClaude,
  init,
  result,
  text,
  wordsOf,
} from '../../../test/fake-claude-query.ts'
import { systemClock } from '../../clock.ts'
import type { Turn } from '../../provider.ts'
import { ClaudeProvider } from './provider.ts'

let home: string
let events: string[]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'creel-claude-'))
  events = []
})
afterEach(() => rmSync(home, { recursive: true }))

const settings: RunnerSettings = {
  protocol: 1,
  group: 'test',
  provider: 'claude',
  instructions: 'You are Ann.',
  fragments: [],
  mcpServers: {},
  concurrency: 4,
  turnTimeoutMs: 20_000,
  limits: TurnLimits.parse({}),
  maxAttempts: 3,
  pollMs: 20,
}

function provider(answer: FakeAnswer, more: Partial<RunnerSettings> = {}, maxProcesses = 4) {
  const { query, made } = fakeClaude(answer)
  const runtime = new ClaudeProvider({
    homeDir: home,
    workspaceDir: '/workspace',
    skillsDir: '/nowhere',
    toolEnvironment: {},
    settings: { ...settings, ...more },
    log: (event) => events.push(event),
    clock: systemClock,
    query,
    maxProcesses,
  })
  return { runtime, made, at: (n: number) => made[n] as FakeClaudeQuery }
}

const input = (prompt: string, more: Partial<TurnInput> = {}): TurnInput => ({
  session: 'one',
  text: prompt,
  prompt,
  attempt: 1,
  ...more,
})

/** Answers each thing with itself, in session "s1", "s2", … by the order of the queries. */
function echo(): FakeAnswer {
  const names = new Map<FakeClaudeQuery, string>()
  return (said, query) => {
    const name = names.get(query) ?? query.options.resume ?? `s${names.size + 1}`
    names.set(query, name)
    return [init(name), text(wordsOf(said)), result([said.uuid])]
  }
}

async function run(turn: Turn): Promise<TurnEvent[]> {
  const seen: TurnEvent[] = []
  for await (const event of turn) if (event.type !== 'activity') seen.push(event)
  return seen
}

const never = new AbortController().signal
const answered = (words: string) => [{ type: 'message', text: words }, { type: 'completed' }]

describe('the Claude provider', () => {
  it('keeps a session warm, and tells by the token whether it is the same conversation', async () => {
    const { runtime, made, at } = provider(echo())
    const first = await run(runtime.startTurn(input('a'), never))
    expect(first).toEqual([{ type: 'started', resumeToken: 's1' }, ...answered('a')])
    await run(runtime.startTurn(input('b', { resumeToken: 's1' }), never))
    expect(made).toHaveLength(1)
    expect(at(0).said).toEqual(['a', 'b'])
    await run(runtime.startTurn(input('c', { resumeToken: 'older' }), never))
    await run(runtime.startTurn(input('d'), never))
    expect(made.map(({ options }) => options.resume)).toEqual([undefined, 'older', undefined])
    expect(made.map(({ ended }) => ended)).toEqual([true, true, false])
    await runtime.close()
    expect(at(2).ended).toBe(true)
  })

  it('ends the processes that were not used for longest, and only idle ones', async () => {
    const { runtime, made } = provider(echo(), {}, 2)
    for (const session of ['a', 'b', 'a', 'c']) {
      const token = session === 'a' && made.length > 0 ? { resumeToken: 's1' } : {}
      await run(runtime.startTurn(input('x', { session, ...token }), never))
    }
    expect(made).toHaveLength(3)
    expect(made.map(({ ended }) => ended)).toEqual([false, true, false])
    await runtime.close()
    expect(made.every(({ ended }) => ended)).toBe(true)
    await runtime.close()
  })

  it('changes model and effort of a warm session, and only when they differ', async () => {
    const { runtime, at } = provider(echo())
    await run(runtime.startTurn(input('a', { model: 'm1', effort: 'low' }), never))
    expect(at(0).options).toMatchObject({ model: 'm1', effort: 'low' })
    const again = { resumeToken: 's1', effort: 'low' }
    await run(runtime.startTurn(input('b', { ...again, model: 'm1' }), never))
    expect(at(0).calls).toEqual([])
    await run(runtime.startTurn(input('c', { resumeToken: 's1', model: 'm2' }), never))
    expect(at(0).calls).toEqual(['model m2', 'effort null'])
    await run(runtime.startTurn(input('d', { resumeToken: 's1', model: 'm2', effort: 'lots' }), never))
    expect(at(0).calls).toHaveLength(2)
    expect(events).toContain('claude_effort_unknown')
    await runtime.close()
  })

  it('gives its program nothing but what it names, and no file of the agent', async () => {
    mkdirSync(join(home, '.claude', 'projects'), { recursive: true })
    mkdirSync(join(home, '.claude', 'commands'))
    for (const name of ['settings.json', '.claude.json', 'projects/kept.jsonl'])
      writeFileSync(join(home, '.claude', name), '{}')
    const { runtime, at } = provider(echo(), {
      mcpServers: { lab: { command: 'lab', args: ['-x'], env: { A: 'b' } }, far: { url: 'http://far/mcp' } },
    })
    expect(readdirSync(join(home, '.claude'))).toEqual(['projects'])
    expect(readdirSync(join(home, '.claude', 'projects'))).toEqual(['kept.jsonl'])
    await run(runtime.startTurn(input('a'), never))
    const { options } = at(0)
    expect(options.env).toMatchObject({
      HOME: home,
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:3128/anthropic',
      ANTHROPIC_API_KEY: 'placeholder',
    })
    expect(options).toMatchObject({ settingSources: [], strictMcpConfig: true, cwd: '/workspace' })
    expect(options.mcpServers).toEqual({
      lab: { type: 'stdio', command: 'lab', args: ['-x'], env: { A: 'b' }, alwaysLoad: true },
      far: { type: 'http', url: 'http://far/mcp', alwaysLoad: true },
    })
    expect(options.plugins).toEqual([])
    expect(options.systemPrompt.append).toMatch(/^# Where you are\n[\s\S]*\n\nYou are Ann\.$/)
    await runtime.close()
  })

  it('shortens instructions that are too long and logs it', async () => {
    const { runtime, at } = provider(echo(), { instructions: `# Ann\n${'x'.repeat(200_000)}` })
    await run(runtime.startTurn(input('a'), never))
    expect(Buffer.byteLength(at(0).options.systemPrompt.append)).toBeLessThanOrEqual(100_000)
    expect(events).toContain('instructions_shortened')
    await runtime.close()
  })

  it('says once that a tool server does not work', async () => {
    const broken = { mcp_servers: [{ name: 'lab', status: 'failed' }] }
    const { runtime } = provider((said) => [{ ...init('s1'), ...broken }, text('ok'), result([said.uuid])])
    const first = await run(runtime.startTurn(input('a'), never))
    expect(first).toContainEqual({ type: 'message', text: expect.stringContaining('"lab"') })
    const second = await run(runtime.startTurn(input('b', { resumeToken: 's1' }), never))
    expect(second).toEqual([{ type: 'started', resumeToken: 's1' }, ...answered('ok')])
    await runtime.close()
  })

  it('takes a text that begins with a slash as written', async () => {
    const composed: unknown[] = []
    const { runtime } = provider((said) => {
      composed.push(said.client_composed)
      return [init('s1'), result([said.uuid])]
    })
    await run(runtime.startTurn(input('plain'), never))
    await run(runtime.startTurn(input(' /compact', { resumeToken: 's1' }), never))
    expect(composed).toEqual([undefined, true])
    await runtime.close()
  })
})

describe('a running Claude turn', () => {
  it('takes more input until everything has its result', async () => {
    const uuids: string[] = []
    const { runtime, at } = provider((said) => {
      uuids.push(said.uuid)
      return uuids.length === 1 ? [init('s1')] : undefined
    })
    const turn = runtime.startTurn(input('a'), never)
    expect(await turn.steer('too early')).toBe('too-late')
    const running = run(turn)
    await vi.waitFor(() => expect(uuids).toHaveLength(1))
    expect(await turn.steer('b')).toBe('accepted')
    await vi.waitFor(() => expect(uuids).toHaveLength(2))
    at(0).send(text('to a'), result(uuids.slice(0, 1)))
    at(0).send(text('to b'), result(uuids.slice(1)))
    expect(await running).toEqual([
      { type: 'started', resumeToken: 's1' },
      { type: 'message', text: 'to a' },
      ...answered('to b'),
    ])
    expect(await turn.steer('c')).toBe('too-late')
    await runtime.close()
  })

  it('is interrupted by its signal and leaves the session warm', async () => {
    const { runtime, made, at } = provider((said) => {
      return said.message.content === 'b' ? [text('ok'), result([said.uuid])] : [init('s1')]
    })
    const abort = new AbortController()
    const running = run(runtime.startTurn(input('a'), abort.signal))
    await vi.waitFor(() => expect(at(0)?.said).toEqual(['a']))
    abort.abort()
    expect((await running).at(-1)).toEqual({ type: 'interrupted' })
    await run(runtime.startTurn(input('b', { resumeToken: 's1' }), never))
    expect(made).toHaveLength(1)
    await runtime.close()
  })

  it('ends soon with its process when the runtime does not listen', async () => {
    const { runtime, made, at } = provider(() => [init('s1')])
    const abort = new AbortController()
    const running = run(runtime.startTurn(input('a'), abort.signal))
    await vi.waitFor(() => expect(at(0)?.said).toEqual(['a']))
    at(0).onInterrupt = undefined
    const begun = performance.now()
    abort.abort()
    expect((await running).at(-1)).toEqual({ type: 'interrupted' })
    expect(performance.now() - begun).toBeLessThan(10_000)
    expect(made[0]?.ended).toBe(true)
    await runtime.close()
  })

  it('that was aborted before it began starts nothing', async () => {
    const { runtime, made } = provider(echo())
    expect(await run(runtime.startTurn(input('a'), AbortSignal.abort()))).toEqual([{ type: 'interrupted' }])
    expect(made).toEqual([])
  })

  it('whose reader leaves is stopped', async () => {
    const { runtime, at } = provider(() => [init('s1')])
    for await (const event of runtime.startTurn(input('a'), never)) if (event.type === 'started') break
    expect(at(0).calls).toEqual(['interrupt'])
    await runtime.close()
  })

  it('fails as crashed when the process dies, and the next one starts another', async () => {
    const { runtime, made, at } = provider((said, query) => {
      if (query === made[1]) return [init('s1'), text('back'), result([said.uuid])]
      return [init('s1')]
    })
    const running = run(runtime.startTurn(input('a'), never))
    await vi.waitFor(() => expect(at(0)?.said).toEqual(['a']))
    at(0).die('terminated by signal SIGKILL')
    expect((await running).at(-1)).toMatchObject({
      type: 'failed',
      reason: 'crashed',
      message: expect.stringContaining('SIGKILL'),
    })
    const again = await run(runtime.startTurn(input('b', { resumeToken: 's1' }), never))
    expect(again.at(-1)).toEqual({ type: 'completed' })
    expect(at(1).options.resume).toBe('s1')
    await runtime.close()
  })

  it('fails as lost when the runtime does not know the session', async () => {
    const errors = ['No conversation found with session ID: x']
    const { runtime } = provider(() => [
      result([], {
        subtype: 'error_during_execution',
        is_error: true,
        user_message_uuids: undefined,
        errors,
      }),
    ])
    expect(await run(runtime.startTurn(input('a', { resumeToken: 'x' }), never))).toEqual([
      { type: 'failed', reason: 'resume-lost', message: errors[0] },
    ])
    await runtime.close()
  })

  it.each([
    ['a key refused twice', { attempt: 2, retry_delay_ms: 1_200, error_status: 401 }, 'auth'],
    ['a wait of an hour', { attempt: 1, retry_delay_ms: 3_600_000, error_status: 429 }, 'rate-limited'],
  ])('does not sit out %s', async (_what, retry, reason) => {
    const error = reason === 'auth' ? 'authentication_failed' : 'rate_limit'
    const { runtime, at } = provider(() => [
      init('s1'),
      { type: 'system', subtype: 'api_retry', error, ...retry },
    ])
    const seen = await run(runtime.startTurn(input('a'), never))
    expect(seen.at(-1)).toMatchObject({ type: 'failed', reason })
    expect(at(0).calls).toEqual(['interrupt'])
    await runtime.close()
  })

  it('cannot be started: failed, not thrown', async () => {
    const runtime = new ClaudeProvider({
      homeDir: home,
      workspaceDir: '/workspace',
      skillsDir: '/nowhere',
      toolEnvironment: {},
      settings,
      log: (event) => events.push(event),
      clock: systemClock,
      query: () => {
        throw new Error('no such program')
      },
    })
    expect(await run(runtime.startTurn(input('a'), never))).toEqual([
      { type: 'failed', reason: 'crashed', message: 'no such program' },
    ])
    await runtime.close()
  })
})
