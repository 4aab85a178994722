import { join } from 'node:path'
import type { InboxMessage, QueueMode } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeProvider, type FakeTurn } from '../../../test/fakes/fake-provider.ts'
import { ended, RunnerRig } from '../../../test/runner/runner-rig.ts'
import { maySteer, turnTogether } from './queue-mode.ts'
import { INTERRUPTED } from './reply-text.ts'

let rig: RunnerRig
let provider: FakeProvider
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig()
  provider = new FakeProvider()
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

function message(text: string, queue?: QueueMode, more: Partial<InboxMessage> = {}): InboxMessage {
  return {
    type: 'message',
    session: 'one',
    chat: { channel: 'web', kind: 'private', title: '' },
    from: { id: 'web:1', name: 'Ann' },
    text,
    at: 1,
    context: [],
    attachments: [],
    ...(queue === undefined ? {} : { queue }),
    ...more,
  }
}

const say = (text: string, queue?: QueueMode) => rig.put(message(text, queue))

/** The turn with this number, once it runs. */
async function turn(number: number): Promise<FakeTurn> {
  await rig.seen(() => expect(provider.turns).toHaveLength(number))
  const found = provider.turns[number - 1]
  if (!found) throw new Error('no turn')
  return found
}

async function begunTurn(number: number): Promise<FakeTurn> {
  return (await turn(number)).say({ type: 'started', resumeToken: 'token' })
}

const begin = () => {
  running = rig.start({ providers: provider.table })
}

describe('a message during a turn of its session, to be steered', () => {
  it('goes into the turn, is accepted before the runtime hears of it, and settles with it', async () => {
    const first = say('first')
    begin()
    const one = await begunTurn(1)
    const second = say('second', 'steer')
    await rig.seen(() => expect(one.steered).toHaveLength(1))
    expect(one.steered[0]).toContain('Ann (web:1):\n  second')
    expect(rig.entries('accepted').map(({ inboxSeq, attempt }) => [inboxSeq, attempt])).toEqual([
      [first, 1],
      [second, 1],
    ])
    one.say({ type: 'message', text: 'both' }, { type: 'completed' })
    await rig.settled(first, second)
    expect(rig.entries('reply')).toEqual([{ type: 'reply', inboxSeq: first, text: 'both' }])
    const rows = rig.rows().filter(({ entry }) => entry.type === 'reply' || entry.type === 'settled')
    expect(rows.map(({ entry }) => entry.inboxSeq)).toEqual([first, first, second])
    expect(new Set(rows.map(({ at }) => at)).size).toBe(1)
    expect(provider.turns).toHaveLength(1)
  })

  it('is not offered before the runtime has the first', async () => {
    say('first')
    const second = say('second', 'steer')
    begin()
    const one = await turn(1)
    expect(rig.entries('accepted', second)).toEqual([])
    one.say({ type: 'started' })
    await rig.seen(() => expect(one.steered).toHaveLength(1))
    one.say({ type: 'completed', silent: true })
    await rig.settled(second)
  })

  it.each(['too-late', 'unsupported'] as const)('has a turn of its own when that is %s', async (answer) => {
    const first = say('first')
    begin()
    const one = await begunTurn(1)
    one.steerAnswer = Promise.resolve(answer)
    const [second, third] = [say('second', 'steer'), say('third', 'steer')]
    await rig.seen(() => expect(rig.entries('returned', second)).toHaveLength(1))
    one.say({ type: 'completed', silent: true })
    const two = await begunTurn(2)
    expect(two.input.text).toBe('second')
    expect(two.input.attempt).toBe(1)
    // Asked once, and not for each that waits.
    expect(one.steered).toHaveLength(1)
    await rig.seen(() => expect(two.steered).toHaveLength(1))
    two.say({ type: 'message', text: 'rest' }, { type: 'completed' })
    await rig.settled(first, second, third)
    expect(rig.entries('reply')).toEqual([{ type: 'reply', inboxSeq: second, text: 'rest' }])
  })

  it('waits behind one that waits: none overtakes another', async () => {
    say('first')
    begin()
    const one = await begunTurn(1)
    say('second', 'follow_up')
    const third = say('third', 'steer')
    one.say({ type: 'message', text: '1' }, { type: 'completed' })
    const two = await begunTurn(2)
    expect(two.input.text).toBe('second')
    expect(one.steered).toEqual([])
    await rig.seen(() => expect(two.steered).toHaveLength(1))
    two.say({ type: 'completed', silent: true })
    await rig.settled(third)
  })

  it('waits when it comes from another thread: the answer would go elsewhere', async () => {
    say('first')
    begin()
    const one = await begunTurn(1)
    const chat = { channel: 'web', kind: 'group', title: '', thread: '7' } as const
    rig.put(message('elsewhere', 'steer', { chat }))
    one.say({ type: 'completed', silent: true })
    expect((await turn(2)).input.text).toBe('elsewhere')
    expect(one.steered).toEqual([])
  })

  it('ends the turn when it is cancelled', async () => {
    const first = say('first')
    begin()
    const one = await begunTurn(1)
    const second = say('second', 'steer')
    await rig.seen(() => expect(one.steered).toHaveLength(1))
    rig.put({ type: 'cancel', inboxSeq: second })
    await rig.settled(first, second)
    for (const seq of [first, second])
      expect(rig.entries('settled', seq)).toMatchObject([{ outcome: 'cancelled' }])
    expect(rig.entries('reply')).toEqual([])
  })

  it('is not begun when it is cancelled on its way into a turn that ends', async () => {
    const first = say('first')
    begin()
    const one = await begunTurn(1)
    const answer = Promise.withResolvers<'too-late'>()
    one.steerAnswer = answer.promise
    const second = say('second', 'steer')
    await rig.seen(() => expect(one.steered).toHaveLength(1))
    rig.put({ type: 'cancel', inboxSeq: second })
    await rig.seen(() => expect(one.over).toBe(true))
    answer.resolve('too-late')
    await rig.settled(first, second)
    expect(rig.entries('settled', second)).toMatchObject([{ outcome: 'cancelled' }])
    const third = say('third')
    await begunTurn(2)
    expect(rig.entries('accepted', second)).toHaveLength(1)
    expect(rig.entries('accepted', third)).toHaveLength(1)
  })

  it('is given up on by the turn’s end when the runtime never says whether it took it', async () => {
    const first = say('first')
    begin()
    const one = await begunTurn(1)
    one.steerAnswer = new Promise(() => undefined)
    const second = say('second', 'steer')
    await rig.seen(() => expect(one.steered).toHaveLength(1))
    one.say({ type: 'message', text: 'done' }, { type: 'completed' })
    await rig.settled(first)
    expect((await begunTurn(2)).input.text).toBe('second')
    expect(rig.entries('returned', second)).toHaveLength(1)
  })

  it('is handed back with the turn by a clean stop', async () => {
    const first = say('first')
    begin()
    const one = await begunTurn(1)
    const second = say('second', 'steer')
    await rig.seen(() => expect(one.steered).toHaveLength(1))
    await running?.stop()
    expect(rig.entries('returned').map(({ inboxSeq }) => inboxSeq)).toEqual([first, second])
    expect(rig.entries('settled')).toEqual([])
  })
})

describe('a runner that is killed around a steered message', () => {
  const program = join(import.meta.dirname, '../../../test/runner/killed-steer.ts')

  it.each([
    ['before', 'accepted'],
    ['after', 'accepted'],
    ['before', 'steer'],
    ['after', 'steer'],
    ['before', 'settled'],
    ['after', 'settled'],
  ])('%s %s, answers every message once', async (moment, point) => {
    const first = say('first')
    const second = say('second', 'steer')
    const { how, stderr } = await ended(rig.spawn(program, [moment, point]))
    expect(how, stderr).toBe('SIGKILL')
    const before = rig.entries('settled').length
    expect(before).toBe(moment === 'after' && point === 'settled' ? 2 : 0)
    provider = new FakeProvider((one) => {
      one.steerAnswer = Promise.resolve('too-late')
      one.say({ type: 'started' }, { type: 'message', text: `re: ${one.input.text}` }, { type: 'completed' })
    })
    begin()
    await rig.settled(first, second)
    await running?.stop()
    for (const seq of [first, second]) {
      expect(rig.entries('settled', seq)).toMatchObject([{ outcome: 'done' }])
    }
    const said = before === 2 ? ['both'] : ['re: first', 're: second']
    expect(rig.replies()).toEqual(said)
  })
})

describe('messages that are collected', () => {
  it('share one turn when the running one is over, and settle together', async () => {
    const first = say('first', 'collect')
    begin()
    const one = await begunTurn(1)
    const waiting = ['a', 'b', 'c'].map((text) => say(text, 'collect'))
    const alone = say('alone')
    one.say({ type: 'completed', silent: true })
    const two = await begunTurn(2)
    expect(two.input.text).toBe('a\nb\nc')
    expect(two.input.prompt.match(/Ann \(web:1\):\n {2}[abc]/g)).toHaveLength(3)
    two.say({ type: 'message', text: 'all' }, { type: 'completed' })
    await rig.settled(first, ...waiting)
    expect(rig.entries('reply')).toEqual([{ type: 'reply', inboxSeq: waiting[0], text: 'all' }])
    expect((await begunTurn(3)).input.text).toBe('alone')
    expect(rig.entries('accepted', alone)).toHaveLength(1)
  })

  it('run one by one when the runner died in their turn: one of them may be the reason', async () => {
    const seqs = ['a', 'b'].map((text) => say(text, 'collect'))
    const program = join(import.meta.dirname, '../../../test/runner/killed-steer.ts')
    const { how, stderr } = await ended(rig.spawn(program, ['after', 'accepted']))
    expect(how, stderr).toBe('SIGKILL')
    begin()
    const one = await begunTurn(1)
    expect(one.input).toMatchObject({ text: 'a', attempt: 2 })
    one.say({ type: 'completed', silent: true })
    const two = await begunTurn(2)
    expect(two.input).toMatchObject({ text: 'b', attempt: 2 })
    two.say({ type: 'completed', silent: true })
    await rig.settled(...seqs)
  })

  it('are bounded in number and length', () => {
    const queued = (count: number, text = 'x') =>
      Array.from({ length: count }, () => ({ message: message(text, 'collect'), suspect: false }))
    expect(turnTogether(queued(70))).toBe(50)
    expect(turnTogether(queued(3, 'x'.repeat(90_000)))).toBe(2)
    expect(turnTogether(queued(1, 'x'.repeat(300_000)))).toBe(1)
    expect(turnTogether([...queued(2), { message: message('y'), suspect: false }])).toBe(2)
    expect(turnTogether([{ message: message('y', 'steer'), suspect: false }, ...queued(2)])).toBe(1)
    const [suspect, well] = [
      { message: message('y', 'steer'), suspect: true },
      { message: message('y', 'steer'), suspect: false },
    ]
    expect(maySteer(message('x'), suspect)).toBe(false)
    expect(maySteer(message('x'), well)).toBe(true)
  })
})

describe('a message that interrupts', () => {
  it('ends the running turn, whose words so far are sent, and is next', async () => {
    const first = say('first', 'interrupt')
    begin()
    const one = await begunTurn(1)
    one.say({ type: 'message', text: 'said' }, { type: 'delta', text: 'half a' })
    await rig.seen(() => expect(rig.entries('progress').at(-1)?.text).toBe('half a'))
    const [second, third] = [say('second', 'interrupt'), say('third', 'interrupt')]
    const two = await begunTurn(2)
    expect(rig.entries('settled', first)).toMatchObject([{ outcome: 'cancelled' }])
    expect(rig.replies(first)).toEqual(['said', `half a\n\n${INTERRUPTED}`])
    expect(two.input.text).toBe('second\nthird')
    two.say({ type: 'completed', silent: true })
    await rig.settled(second, third)
  })

  it('waits until the runtime has what it interrupts', async () => {
    say('first', 'interrupt')
    begin()
    const one = await turn(1)
    say('second', 'interrupt')
    await rig.seen(() => expect(rig.events).toContain('turn_begun'))
    expect(one.signal.aborted).toBe(false)
    one.say({ type: 'started' })
    await rig.seen(() => expect(one.signal.aborted).toBe(true))
    expect((await turn(2)).input.text).toBe('second')
  })
})
