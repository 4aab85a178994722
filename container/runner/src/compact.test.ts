import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeProvider } from '../../../test/fakes/fake-provider.ts'
import { RunnerRig } from '../../../test/runner/runner-rig.ts'

let rig: RunnerRig
let provider: FakeProvider
let running: { stop: () => Promise<void> } | undefined
beforeEach(async () => {
  rig = new RunnerRig()
  provider = new FakeProvider()
  running = rig.start({ providers: provider.table })
})
afterEach(async () => {
  await running?.stop()
  rig[Symbol.dispose]()
})

const compact = () => rig.say('/compact', 'one', { command: 'compact' })

async function begun() {
  const seq = rig.say('hello')
  await rig.seen(() => expect(provider.turns).toHaveLength(1))
  provider.turns[0]?.say({ type: 'started', resumeToken: 'one' }, { type: 'message', text: 'hi' })
  return seq
}

/** A conversation with one exchange, and then the command. */
async function asked() {
  const first = await begun()
  provider.turns[0]?.say({ type: 'completed' })
  await rig.settled(first)
  const seq = compact()
  await rig.seen(() => expect(provider.turns).toHaveLength(2))
  const [, turn] = provider.turns
  if (!turn) throw new Error('no turn')
  return {
    seq,
    turn: turn.say({ type: 'started', resumeToken: 'one' }, { type: 'phase', phase: 'compacting' }),
  }
}

describe('/compact', () => {
  it('has the runtime shorten the session, and says so in one line', async () => {
    const { seq, turn } = await asked()
    expect(turn.input).toMatchObject({ kind: 'compact', session: 'one', resumeToken: 'one' })
    turn.say(
      { type: 'message', text: 'what the runtime says of it' },
      { type: 'compacted', beforeTokens: 120_000, afterTokens: 8_000 },
      { type: 'completed' },
    )
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual([
      'The conversation was shortened from about 120000 to 8000 tokens: the agent goes on with a summary of it.',
    ])
  })

  it('says when there was nothing to shorten', async () => {
    const { seq, turn } = await asked()
    turn.say({ type: 'completed' })
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual(['There was nothing to shorten in this conversation.'])
  })

  it('does not ask the runtime for a conversation that has not begun', async () => {
    const seq = compact()
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual(['There was nothing to shorten in this conversation.'])
    expect(provider.turns).toEqual([])
  })

  it('says when it failed, in our words alone, and the session is kept', async () => {
    const { seq, turn } = await asked()
    turn.say({ type: 'message', text: 'raw' }, { type: 'failed', reason: 'auth', message: 'no' })
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual([expect.stringMatching(/^The agent could not answer: .*credentials/)])
    rig.say('next')
    await rig.seen(() => expect(provider.turns).toHaveLength(3))
    expect(provider.turns[2]?.input.resumeToken).toBe('one')
  })

  it('waits for the turn that runs, and nothing goes into it', async () => {
    const first = await begun()
    const seq = rig.say('/compact', 'one', { command: 'compact', queue: 'steer' })
    provider.turns[0]?.say({ type: 'completed' })
    await rig.settled(first)
    expect(provider.turns[0]?.steered).toEqual([])
    await rig.seen(() => expect(provider.turns).toHaveLength(2))
    const [, turn] = provider.turns
    turn?.say({ type: 'started', resumeToken: 'one' })
    const after = rig.say('after', 'one', { queue: 'steer' })
    turn?.say({ type: 'compacted' }, { type: 'completed' })
    await rig.settled(seq)
    await rig.seen(() => expect(provider.turns).toHaveLength(3))
    expect(turn?.steered).toEqual([])
    provider.turns[2]?.say({ type: 'started' }, { type: 'completed', silent: true })
    await rig.settled(after)
  })
})
