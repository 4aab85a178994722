import { setImmediate as settled } from 'node:timers/promises'
import { RunnerSettings, type TurnEvent } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../../../test/fakes/fake-clock.ts'
import { FakeAppServer, type FakeProcess, type FakeTurn } from '../../../test/fake-app-server.ts'
import type { Turn } from '../../provider.ts'
import { CodexProvider } from './provider.ts'

const SETTINGS = RunnerSettings.parse({
  protocol: 1,
  group: 'family',
  provider: 'codex',
  concurrency: 30,
  turnTimeoutMs: 60_000,
  maxAttempts: 3,
  pollMs: 1_000,
})

function world(
  onTurn: (turn: FakeTurn, process: FakeProcess) => void = (turn) => turn.reply(`re: ${turn.inputs[0]}`),
) {
  const fake = new FakeAppServer(onTurn)
  const clock = new FakeClock()
  const logged: string[] = []
  const provider = new CodexProvider(
    {
      homeDir: '/nowhere',
      workspaceDir: '/workspace',
      settings: SETTINGS,
      log: (event) => void logged.push(event),
      clock,
      ending: {
        crash: () => {
          throw new Error('the provider ends no runner')
        },
        exit: () => {
          throw new Error('the provider ends no runner')
        },
      },
    },
    { launch: fake.launch },
  )
  const start = (
    session: string,
    text: string,
    more: object = {},
    signal = new AbortController().signal,
  ): Turn => provider.startTurn({ session, text, prompt: text, attempt: 1, ...more }, signal)
  return { fake, clock, provider, start, logged }
}

async function all(turn: Turn): Promise<TurnEvent[]> {
  const events: TurnEvent[] = []
  for await (const event of turn) if (event.type !== 'activity') events.push(event)
  return events
}

/** Resolves with the turn of the fake once it has begun. */
function begun(): { onTurn: (turn: FakeTurn, process: FakeProcess) => void; turn: Promise<FakeTurn> } {
  let found: (turn: FakeTurn) => void = () => undefined
  const turn = new Promise<FakeTurn>((resolve) => {
    found = resolve
  })
  return { onTurn: (one) => found(one), turn }
}

function messages(events: readonly TurnEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'message' ? [event.text] : []))
}

describe('CodexProvider', () => {
  it('starts nothing until the first turn, and one process for all', async () => {
    const { fake, start } = world()
    expect(fake.processes).toHaveLength(0)
    expect(await all(start('a', 'hello'))).toEqual([
      { type: 'started', resumeToken: 'thread-1' },
      { type: 'delta', text: 're: hello' },
      { type: 'message', text: 're: hello' },
      { type: 'completed' },
    ])
    await all(start('b', 'hi'))
    await all(start('a', 'again', { resumeToken: 'thread-1' }))
    expect(fake.processes).toHaveLength(1)
    expect(fake.processes[0]?.calls).toEqual([
      'initialize',
      'initialized',
      'thread/start',
      'turn/start',
      'thread/start',
      'turn/start',
      'turn/start',
    ])
  })

  it('runs thirty sessions at once on one process and mixes nothing up', async () => {
    const turns: FakeTurn[] = []
    const { fake, start } = world((turn) => void turns.push(turn))
    const sessions = Array.from({ length: 30 }, (_, i) => i)
    const running = sessions.map((i) => all(start(`s${i}`, `question ${i}`)))
    while (turns.length < 30) await settled()
    // The last asked is answered first, and the deltas of all are mixed.
    for (const turn of turns)
      turn.report('item/agentMessage/delta', { itemId: 'x', delta: `draft ${turn.inputs[0]}` })
    for (const turn of turns.toReversed()) turn.reply(`re: ${turn.inputs[0]}`)
    const answers = await Promise.all(running)
    expect(answers.map(messages)).toEqual(sessions.map((i) => ['', `re: question ${i}`]))
    expect(answers.map((events) => events.find(({ type }) => type === 'delta'))).toEqual(
      sessions.map((i) => ({ type: 'delta', text: `draft question ${i}` })),
    )
    expect(new Set(answers.map((events) => JSON.stringify(events[0]))).size).toBe(30)
    expect(fake.processes).toHaveLength(1)
  })

  it('passes on model and effort', async () => {
    const turns: FakeTurn[] = []
    const { start } = world((turn) => {
      turns.push(turn)
      turn.report('thread/tokenUsage/updated', {
        tokenUsage: {
          last: { inputTokens: 5, cachedInputTokens: 2, cacheWriteInputTokens: 0, outputTokens: 1 },
        },
      })
      turn.reply('ok')
    })
    const events = await all(start('a', 'x', { model: 'gpt-9', effort: 'high' }))
    expect(turns[0]?.params).toMatchObject({ model: 'gpt-9', effort: 'high', cwd: '/workspace' })
    expect(events).toContainEqual({
      type: 'usage',
      model: 'gpt-9',
      inputTokens: 3,
      outputTokens: 1,
      cacheReadTokens: 2,
      cacheWriteTokens: 0,
    })
  })

  it('answers every request: approvals are given, what it does not know is refused', async () => {
    const answers: unknown[] = []
    const { start } = world((turn) => {
      const refusal = (error: unknown) => (error instanceof Error ? error.message : error)
      void Promise.all([
        turn.ask('item/commandExecution/requestApproval', { command: 'rm -rf x' }),
        turn.ask('item/fileChange/requestApproval'),
        turn.ask('mcpServer/elicitation/request', { _meta: { codex_approval_kind: 'mcp_tool_call' } }),
        turn.ask('mcpServer/elicitation/request', { mode: 'form', message: 'your password?' }),
        turn.ask('item/permissions/requestApproval', { permissions: { network: { enabled: true } } }),
        turn.ask('execCommandApproval'),
        turn.ask('currentTime/read'),
        turn.ask('item/tool/requestUserInput', { questions: [] }).catch(refusal),
        turn.ask('invented/tomorrow').catch(refusal),
      ]).then((given) => {
        answers.push(...given)
        turn.reply('done')
      })
    })
    expect(messages(await all(start('a', 'x')))).toEqual(['done'])
    expect(answers).toEqual([
      { decision: 'accept' },
      { decision: 'accept' },
      { action: 'accept', content: {}, _meta: null },
      { action: 'decline', content: null, _meta: null },
      { permissions: { network: { enabled: true } }, scope: 'turn' },
      { decision: 'approved' },
      { currentTimeAt: 1_700_000_000 },
      'this client does not answer item/tool/requestUserInput',
      'this client does not answer invented/tomorrow',
    ])
  })

  it('ends all running turns at once when the process dies, and starts another for the next', async () => {
    const turns: FakeTurn[] = []
    const { fake, start } = world((turn) => void turns.push(turn))
    const running = ['a', 'b', 'c'].map((session) => all(start(session, session)))
    while (turns.length < 3) await settled()
    turns[0]?.report('item/started', { item: { type: 'commandExecution', id: 'c1' } })
    await settled()
    fake.processes[0]?.die('exit code 101 (thread panicked)')
    const ends = (await Promise.all(running)).map((events) => events.at(-1))
    expect(ends).toEqual(
      Array.from({ length: 3 }, () => ({
        type: 'failed',
        reason: 'crashed',
        message: 'codex app-server ended: exit code 101 (thread panicked)',
      })),
    )
    expect((await running[0])?.at(-2)).toEqual({ type: 'tool', phase: 'ended', name: 'shell' })
    fake.onTurn = (turn) => turn.reply('back')
    expect(messages(await all(start('a', 'x', { resumeToken: 'thread-1' })))).toEqual(['back'])
    expect(fake.processes).toHaveLength(2)
    expect(fake.processes[1]?.calls).toContain('thread/resume')
  })

  it('reports a process that dies before it is ready', async () => {
    const { fake, start } = world()
    fake.stillborn = 'exit code 127 (env: codex: No such file or directory)'
    expect(await all(start('a', 'x'))).toEqual([
      {
        type: 'failed',
        reason: 'crashed',
        message: 'codex app-server ended: exit code 127 (env: codex: No such file or directory)',
      },
    ])
    fake.stillborn = undefined
    expect(messages(await all(start('a', 'y')))).toEqual(['re: y'])
  })

  it('says when a session is lost, and loads one again that was put away', async () => {
    const { fake, start } = world()
    expect(await all(start('a', 'x', { resumeToken: 'thread-77' }))).toEqual([
      { type: 'failed', reason: 'resume-lost', message: 'no rollout found for thread id thread-77' },
    ])
    await all(start('a', 'x'))
    fake.processes[0]?.unload('thread-1')
    expect(messages(await all(start('a', 'y', { resumeToken: 'thread-1' })))).toEqual(['re: y'])
    fake.processes[0]?.unload('thread-1')
    fake.threads.delete('thread-1')
    expect((await all(start('a', 'z', { resumeToken: 'thread-1' }))).at(-1)).toMatchObject({
      reason: 'resume-lost',
    })
  })

  it('steers the running turn, and is too late for one that is over', async () => {
    const { onTurn, turn } = begun()
    const { start } = world(onTurn)
    const running = start('a', 'first')
    const events = all(running)
    const steered = running.steer('and this')
    const fakeTurn = await turn
    expect(await steered).toBe('accepted')
    expect(fakeTurn.inputs).toEqual(['first', 'and this'])
    fakeTurn.reply('both')
    expect(messages(await events)).toEqual(['both'])
    expect(await running.steer('more')).toBe('too-late')
  })

  it('is too late for a turn that ends while the steer is under way, or that never began', async () => {
    const { onTurn, turn } = begun()
    const { fake, start } = world(onTurn)
    const running = start('a', 'first')
    const events = all(running)
    const fakeTurn = await turn
    await settled()
    fakeTurn.end('completed')
    expect(await running.steer('late')).toBe('too-late')
    await events
    const lost = start('b', 'x', { resumeToken: 'thread-77' })
    const steer = lost.steer('x')
    await all(lost)
    expect(await steer).toBe('too-late')
    expect(fake.processes[0]?.calls.filter((call) => call === 'turn/steer').length).toBeLessThanOrEqual(1)
  })

  it('interrupts on abort, with the commands that run', async () => {
    const { onTurn, turn } = begun()
    const { fake, start } = world(onTurn)
    const abort = new AbortController()
    const events = all(start('a', 'x', {}, abort.signal))
    const fakeTurn = await turn
    fakeTurn.report('item/agentMessage/delta', { itemId: 'i', delta: 'half a' })
    await settled()
    abort.abort()
    expect((await events).at(-1)).toEqual({ type: 'interrupted' })
    expect(messages(await events)).toEqual([])
    await settled()
    expect(fake.processes[0]?.calls.slice(-2)).toEqual(['turn/interrupt', 'thread/backgroundTerminals/clean'])
    expect(fake.processes[0]?.killed).toBe(false)
  })

  it('does not begin a turn that is aborted before', async () => {
    const { fake, start } = world()
    expect(await all(start('a', 'x', {}, AbortSignal.abort()))).toEqual([{ type: 'interrupted' }])
    expect(fake.processes).toHaveLength(0)
  })

  it('reports the end of a turn that does not end, then kills, and holds back the next until then', async () => {
    const { onTurn, turn } = begun()
    const { fake, clock, start } = world(onTurn)
    fake.obeys = false
    const abort = new AbortController()
    const events = all(start('a', 'x', {}, abort.signal))
    await turn
    await settled()
    abort.abort()
    await clock.advance(1_000)
    expect((await events).at(-1)).toEqual({ type: 'interrupted' })
    expect(fake.processes[0]?.killed).toBe(false)
    fake.onTurn = (next) => next.reply('next')
    const next = all(start('a', 'y', { resumeToken: 'thread-1' }))
    await settled()
    expect(fake.processes[0]?.calls.filter((call) => call === 'turn/start')).toHaveLength(1)
    await clock.advance(4_500)
    expect(fake.processes[0]?.killed).toBe(true)
    expect(messages(await next)).toEqual(['next'])
    expect(fake.processes).toHaveLength(2)
    expect(clock.sleeping).toEqual([])
  })

  it('reports within a second even when the process answers nothing any more', async () => {
    const { onTurn, turn } = begun()
    const { fake, clock, start } = world(onTurn)
    const abort = new AbortController()
    const events = all(start('a', 'x', {}, abort.signal))
    await turn
    await settled()
    fake.processes[0]?.hang()
    abort.abort()
    await clock.advance(1_000)
    expect((await events).at(-1)).toEqual({ type: 'interrupted' })
    await clock.advance(5_000)
    expect(fake.processes[0]?.killed).toBe(true)
  })

  it('interrupts a turn whose reader leaves', async () => {
    const { onTurn, turn } = begun()
    const { fake, start } = world(onTurn)
    for await (const event of start('a', 'x')) {
      if (event.type === 'started') {
        await turn
        break
      }
    }
    await settled()
    await settled()
    expect(fake.processes[0]?.calls).toContain('turn/interrupt')
  })

  it('begins anew when a process has many threads, once nothing runs', async () => {
    const { fake, start } = world()
    for (let i = 0; i < 101; i += 1) await all(start(`s${i}`, 'x'))
    expect(fake.processes).toHaveLength(2)
    expect(messages(await all(start('s0', 'y', { resumeToken: 'thread-1' })))).toEqual(['re: y'])
  })

  it('closes, twice, and starts nothing after', async () => {
    const { fake, provider, start } = world()
    await provider.close()
    expect(await all(start('a', 'x'))).toMatchObject([{ type: 'failed' }])
    expect(fake.processes).toHaveLength(0)
    const other = world()
    await all(other.start('a', 'x'))
    await Promise.all([other.provider.close(), other.provider.close()])
    expect(other.logged).toContain('codex_ended')
  })
})
