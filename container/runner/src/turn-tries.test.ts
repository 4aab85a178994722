import { type FailureReason, TurnLimits } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeProvider, type FakeTurn } from '../../../test/fakes/fake-provider.ts'
import { RunnerRig } from '../../../test/runner/runner-rig.ts'
import { GO_ON, MEANWHILE } from './priming.ts'

let rig: RunnerRig
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig({ limits: TurnLimits.parse({ retryFirstMs: 20 }) })
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

const failed = (reason: FailureReason) => ({ type: 'failed', reason, message: 'made to fail' }) as const
const GROUP = { channel: 'web', kind: 'group', title: '' } as const
const DONE = [{ type: 'message', text: 'done' }, { type: 'completed' }] as const

/** Runs turns that are led one after the other by these. */
function led(...leads: ((turn: FakeTurn) => void)[]): FakeProvider {
  const provider = new FakeProvider((turn) => leads[provider.turns.length - 1]?.(turn))
  running = rig.start({ providers: provider.table })
  return provider
}

describe('a turn that fails for a reason that passes', () => {
  it.each(['rate-limited', 'overloaded', 'crashed', 'timeout'] as const)(
    'is tried again as it was when nothing had come of it: %s',
    async (reason) => {
      const seq = rig.say('hello')
      const provider = led(
        (turn) =>
          turn.say({ type: 'started', resumeToken: 'one' }, { type: 'delta', text: 'do' }, failed(reason)),
        (turn) => turn.say({ type: 'started', resumeToken: 'two' }, ...DONE),
      )
      await rig.settled(seq)
      const [first, second] = provider.turns.map(({ input }) => input)
      expect(second).toEqual({ ...first, attempt: 2 })
      expect(rig.replies(seq)).toEqual(['done'])
      expect(rig.entries('accepted', seq)).toHaveLength(1)
      const next = rig.say('next')
      await rig.seen(() => expect(provider.turns).toHaveLength(3))
      expect(provider.turns[2]?.input).toMatchObject({ resumeToken: 'two', attempt: 1 })
      provider.turns[2]?.say(...DONE)
      await rig.settled(next)
    },
  )

  it('goes on where it stopped when tools had run, and does not get the message twice', async () => {
    const seq = rig.say('hello')
    const provider = led(
      (turn) =>
        turn.say(
          { type: 'started', resumeToken: 'one' },
          { type: 'tool', phase: 'started', name: 'Bash' },
          { type: 'tool', phase: 'ended', name: 'Bash' },
          failed('crashed'),
        ),
      (turn) => turn.say({ type: 'started', resumeToken: 'one' }, ...DONE),
    )
    await rig.settled(seq)
    expect(provider.turns[1]?.input).toMatchObject({ resumeToken: 'one', prompt: GO_ON, attempt: 2 })
    expect(rig.replies(seq)).toEqual(['done'])
  })

  it('says again what was steered into it, which may not have arrived', async () => {
    const seq = rig.say('hello')
    const provider = led(
      (turn) => turn.say({ type: 'started', resumeToken: 'one' }, { type: 'message', text: 'half' }),
      (turn) => turn.say({ type: 'started', resumeToken: 'one' }, ...DONE),
    )
    const steered = rig.say('and this', 'one', { queue: 'steer' })
    await rig.seen(() => expect(provider.turns[0]?.steered).toHaveLength(1))
    provider.turns[0]?.say(failed('overloaded'))
    await rig.settled(seq, steered)
    const prompt = provider.turns[1]?.input.prompt ?? ''
    expect(prompt.startsWith(`${GO_ON}\n\n${MEANWHILE}`)).toBe(true)
    expect(prompt).toContain('and this')
    expect(prompt).not.toContain('hello')
    expect(rig.replies()).toEqual(['half', 'done'])
  })

  it('ends with one sentence, and says how often it was tried', async () => {
    const seq = rig.say('hello')
    const overloaded = (turn: FakeTurn) => turn.say({ type: 'started' }, failed('overloaded'))
    const provider = led(overloaded, overloaded, overloaded, overloaded)
    await rig.settled(seq)
    expect(provider.turns).toHaveLength(3)
    expect(rig.replies(seq)).toEqual([
      'The agent could not answer: its provider is overloaded; try again later. It was tried 3 times.',
    ])
    expect(rig.entries('settled', seq)).toMatchObject([
      { outcome: 'failed', reason: 'overloaded: made to fail' },
    ])
  })

  it('is stopped at once while it waits, and handed back by a shutdown', async () => {
    rig.settings({ limits: TurnLimits.parse({ retryFirstMs: 50_000 }) })
    const seq = rig.say('hello')
    const fails = (turn: FakeTurn) => turn.say({ type: 'started' }, failed('overloaded'))
    led(fails, fails)
    const waits = () => expect(rig.entries('progress').at(-1)?.activity).toContain('trying again in 50 s')
    await rig.seen(waits)
    rig.put({ type: 'cancel', inboxSeq: seq })
    await rig.settled(seq)
    expect(rig.entries('settled', seq)).toMatchObject([{ outcome: 'cancelled' }])
    const next = rig.say('next')
    await rig.seen(() => expect(rig.events.filter((event) => event === 'turn_failed')).toHaveLength(2))
    await running?.stop()
    expect(rig.entries('returned')).toEqual([{ type: 'returned', inboxSeq: next }])
    expect(rig.replies()).toEqual([])
  })
})

describe('a turn that hangs', () => {
  it('is stopped and tried again, and at last says in which phase it was', async () => {
    const phaseMs = { model: 60 }
    rig.settings({ limits: TurnLimits.parse({ phaseMs, retries: 1, retryFirstMs: 20 }) })
    const seq = rig.say('hello')
    const hangs = (turn: FakeTurn) => turn.say({ type: 'started' })
    const provider = led(hangs, hangs)
    await rig.settled(seq)
    expect(provider.turns.map(({ signal, over }) => [signal.aborted, over])).toEqual([
      [true, true],
      [true, true],
    ])
    expect(rig.replies(seq)).toEqual([
      'The agent was stopped: its model said nothing for 0.06 s, its limit (phase: model). It was tried 2 times.',
    ])
    expect(rig.entries('settled', seq)).toMatchObject([
      { outcome: 'failed', reason: 'timeout: no progress for 60 ms in the phase model' },
    ])
  })

  it('shows what the runtime says it waits for', async () => {
    const seq = rig.say('hello')
    const provider = led((turn) =>
      turn.say({ type: 'started' }, { type: 'phase', phase: 'waiting', untilMs: Date.now() + 50_000 }),
    )
    await rig.seen(() => expect(rig.entries('progress').at(-1)?.activity).toContain("the model's service"))
    provider.turns[0]?.say({ type: 'phase', phase: 'compacting' })
    await rig.seen(() => expect(rig.entries('progress').at(-1)?.activity).toBe('shortening the conversation'))
    provider.turns[0]?.say(...DONE)
    await rig.settled(seq)
  })
})

describe('NO_REPLY', () => {
  const say = (text: string) => (turn: FakeTurn) =>
    turn.say(
      { type: 'started' },
      { type: 'delta', text: text.slice(0, 4) },
      { type: 'delta', text: text.slice(4) },
      { type: 'message', text },
      { type: 'completed' },
    )

  it('is silence in a group, also while it is written', async () => {
    const seq = rig.say('hello', 'one', { chat: GROUP })
    led(say('NO_REPLY'))
    await rig.settled(seq)
    expect(rig.entries('settled', seq)).toMatchObject([{ outcome: 'done' }])
    expect(rig.replies(seq)).toEqual([])
    expect(rig.entries('progress').map(({ text }) => text)).not.toContainEqual(expect.stringContaining('NO'))
  })

  it.each(['NO_REPLY, for there is nothing to say', 'no_reply', 'NO_REPLY NO_REPLY'])(
    'is a text when it is not the whole answer: %s',
    async (text) => {
      const seq = rig.say('hello', 'one', { chat: GROUP })
      led(say(text))
      await rig.settled(seq)
      expect(rig.replies(seq)).toEqual([text])
    },
  )

  it('is a text in a private chat, where somebody waits', async () => {
    const seq = rig.say('hello')
    led(say('NO_REPLY'))
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual(['NO_REPLY'])
  })
})
