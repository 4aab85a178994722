import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_TEXT, OutboxWriter } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunnerRig, scripted } from '../test/runner-rig.ts'
import { systemClock } from './clock.ts'
import type { Outbox } from './outbox-commits.ts'
import { NO_ANSWER } from './reply-text.ts'

let rig: RunnerRig
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig()
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

describe('a turn', () => {
  it('is accepted, then answered and settled in one commit', async () => {
    const seq = rig.say('hello')
    running = rig.start()
    await rig.settled(seq)
    const rows = rig.rows()
    expect(rows.map((row) => row.entry.type)).toEqual(['accepted', 'reply', 'settled'])
    expect(rows[0]?.entry).toMatchObject({ inboxSeq: seq, attempt: 1 })
    expect(rows[2]?.at).toBe(rows[1]?.at)
    expect(rig.replies()).toEqual(['demo: hello\n(This is the demo provider: there is no model behind it.)'])
  })

  it('knows the session: only its first answer carries the note, also after a restart', async () => {
    const first = rig.say('a')
    running = rig.start()
    await rig.settled(first)
    await running.stop()
    const second = rig.say('b')
    running = rig.start()
    await rig.settled(second)
    expect(rig.replies(second)).toEqual(['demo: b'])
    const other = rig.say('/demo help', 'two')
    await rig.settled(other)
    expect(rig.replies(other)[0]).toContain('This is turn 1 of this session.')
  })

  it.each([
    ['/demo garbage', 'failed', /crashed: .*not an event/, /its provider crashed/],
    ['/demo fail quota', 'failed', /^quota: /, /quota or the credit/],
    ['/demo fail no idea', 'failed', /^other: .*no idea/, /reported an error/],
  ])('%s settles as %s with a reason for both sides', async (text, outcome, reason, reply) => {
    const seq = rig.say(text)
    const next = rig.say('still there?')
    running = rig.start()
    await rig.settled(seq, next)
    expect(rig.entries('settled', seq)).toEqual([
      expect.objectContaining({ outcome, reason: expect.stringMatching(reason) }),
    ])
    expect(rig.replies(seq).at(-1)).toMatch(reply)
    expect(rig.replies(next)[0]).toMatch(/^demo: still there\?/)
  })

  it('that is silent on purpose says nothing; one that just says nothing is reported', async () => {
    const silent = rig.say('/demo silent')
    running = rig.start()
    await rig.settled(silent)
    expect(rig.replies(silent)).toEqual([])
    await running.stop()
    const mute = rig.say('x')
    running = rig.start({
      providers: scripted(() => ({
        async *[Symbol.asyncIterator]() {
          yield { type: 'message', text: ' \n' }
          yield { type: 'completed' }
        },
        steer: async () => 'unsupported',
      })),
    })
    await rig.settled(mute)
    expect(rig.replies(mute)).toEqual([NO_ANSWER])
  })

  it('of a provider that throws, ends without an end or is no iterable fails, and the lane goes on', async () => {
    let turn = 0
    running = rig.start({
      providers: scripted(() => {
        turn += 1
        if (turn === 1) throw new Error('at start')
        if (turn === 4) return JSON.parse('{}')
        return {
          async *[Symbol.asyncIterator]() {
            yield { type: 'message', text: `said in turn ${turn}` }
            if (turn === 2) throw new Error('in the middle')
            if (turn > 4) yield { type: 'completed' }
          },
          steer: async () => 'unsupported',
        }
      }),
    })
    const seqs = [1, 2, 3, 4, 5].map((n) => rig.say(`${n}`))
    await rig.settled(...seqs)
    expect(rig.entries('settled').map((entry) => entry.outcome)).toEqual([
      'failed',
      'failed',
      'failed',
      'failed',
      'done',
    ])
    expect(rig.replies(2)).toEqual(['said in turn 2', expect.stringContaining('crashed')])
  })

  it('that takes too long is stopped and says so; a provider that ignores the stop is left behind', async () => {
    rig.settings({ turnTimeoutMs: 50 })
    const seq = rig.say('/demo hang')
    running = rig.start()
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual([expect.stringContaining('time limit of 0.05 s')])
    await running.stop()
    const deaf = rig.say('x')
    running = rig.start({
      providers: scripted(() => ({
        [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
        steer: async () => 'unsupported',
      })),
    })
    await rig.settled(deaf)
    expect(rig.entries('settled', deaf)[0]).toMatchObject({ outcome: 'failed' })
  })

  it('shows progress while deltas come, not more often than four times a second, and bounded', async () => {
    const seq = rig.say('/demo slow 700')
    running = rig.start()
    await rig.settled(seq)
    const at = rig.rows().flatMap((row) => (row.entry.type === 'progress' ? [row.at] : []))
    expect(at.length).toBeGreaterThanOrEqual(2)
    expect(at.length).toBeLessThanOrEqual(4)
    for (const [n, time] of at.entries())
      if (n > 0) expect(time - (at[n - 1] ?? 0)).toBeGreaterThanOrEqual(245)
    expect(rig.entries('progress')[0]?.text).toMatch(/^demo: slow 1/)
  })

  it('cuts what is too long with a visible note, and sends only so many messages', async () => {
    const long = rig.say(`/demo long ${MAX_TEXT + 1}`)
    const many = rig.say('/demo many 150')
    running = rig.start()
    await rig.settled(long, many)
    const [text = ''] = rig.replies(long)
    expect(text.length).toBeLessThanOrEqual(MAX_TEXT)
    expect(text).toMatch(/\(cut here: the answer was 200001 characters long\)$/)
    expect(rig.replies(many)).toHaveLength(101)
    expect(rig.replies(many).at(-1)).toContain('50 more messages')
  })
})

describe('cancel', () => {
  it('stops the running turn, drops the waiting one, and the lane goes on', async () => {
    const hanging = rig.say('/demo hang')
    const waiting = rig.say('never said')
    const after = rig.say('after')
    running = rig.start()
    await rig.seen(() => expect(rig.entries('accepted')).toHaveLength(1))
    rig.put({ type: 'cancel', inboxSeq: waiting })
    await rig.settled(waiting)
    rig.put({ type: 'cancel', inboxSeq: hanging })
    await rig.settled(hanging, after)
    expect(rig.entries('settled', hanging)).toMatchObject([{ outcome: 'cancelled' }])
    expect(rig.entries('settled', waiting)).toMatchObject([{ outcome: 'cancelled' }])
    expect(rig.entries('accepted', waiting)).toEqual([])
    expect(rig.replies(after)).toHaveLength(1)
  })

  it('that waited together with its message means the turn never begins', async () => {
    const seq = rig.say('never said')
    rig.put({ type: 'cancel', inboxSeq: seq })
    running = rig.start()
    await rig.settled(seq)
    expect(rig.entries('accepted')).toEqual([])
  })
})

describe('attempts', () => {
  /** What a runner that died in the turn leaves behind. */
  function died(seq: number, times: number): void {
    using outbox = new OutboxWriter(join(rig.path('mail/out'), 'outbox.db'))
    for (let attempt = 1; attempt <= times; attempt++) {
      outbox.append([{ type: 'accepted', inboxSeq: seq, attempt, at: 1 }], 1)
    }
  }

  it('are counted over restarts and acknowledgements; past the limit the message is given up aloud', async () => {
    const seq = rig.say('/demo crash')
    const next = rig.say('next')
    died(seq, 3)
    rig.put({ type: 'acked', outboxSeq: 3 })
    running = rig.start()
    await rig.settled(seq, next)
    expect(rig.events).not.toContain('crash')
    expect(rig.entries('settled', seq)).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('3 times') },
    ])
    expect(rig.replies(seq)).toEqual([expect.stringContaining('died 3 times')])
  })

  it('tell the provider which one this is', async () => {
    const seq = rig.say('/demo crash-until 3')
    died(seq, 2)
    running = rig.start()
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual(['demo: survived at attempt 3'])
  })

  it('that a clean stop ended do not count, and nothing is settled by it', async () => {
    const seq = rig.say('/demo hang')
    for (let n = 1; n <= 4; n++) {
      const runner = rig.start()
      await rig.seen(() => expect(rig.entries('accepted', seq)).toHaveLength(n))
      await runner.stop()
      expect(rig.entries('returned', seq)).toHaveLength(n)
    }
    expect(rig.entries('settled')).toEqual([])
    expect(rig.entries('accepted').map((entry) => entry.attempt)).toEqual([1, 1, 1, 1])
    rig.put({ type: 'cancel', inboxSeq: seq })
    running = rig.start()
    await rig.settled(seq)
  })
})

describe('the runner', () => {
  it('runs turns of a session in order and sessions side by side up to the limit', async () => {
    rig.settings({ concurrency: 2 })
    let now = 0
    let most = 0
    const order: string[] = []
    const providers = scripted((input, signal) => ({
      async *[Symbol.asyncIterator]() {
        now += 1
        most = Math.max(most, now)
        order.push(input.text)
        await systemClock.sleep(30, signal)
        now -= 1
        yield { type: 'message', text: input.text }
        yield { type: 'completed' }
      },
      steer: async () => 'unsupported',
    }))
    const seqs = ['a1', 'a2', 'b1', 'a3', 'c1', 'b2'].map((text) => rig.say(text, text.charAt(0)))
    running = rig.start({ providers })
    await rig.settled(...seqs)
    expect(most).toBe(2)
    for (const session of ['a', 'b', 'c']) {
      const own = order.filter((text) => text.startsWith(session))
      expect(own).toEqual([...own].sort())
    }
    expect(order.slice(0, 2).sort()).toEqual(['a1', 'b1'])
  })

  it('prunes what the host has acknowledged, and runs nothing twice for it', async () => {
    const seq = rig.say('hello')
    running = rig.start()
    await rig.settled(seq)
    const reply = rig.rows().find((row) => row.entry.type === 'reply')
    rig.put({ type: 'acked', outboxSeq: 3 })
    await rig.seen(() => expect(rig.rows().some((row) => row.seq === reply?.seq)).toBe(false))
    await running.stop()
    const next = rig.say('next')
    running = rig.start()
    await rig.settled(next)
    expect(rig.entries('accepted', seq)).toHaveLength(1)
    expect(rig.replies()).toEqual(['demo: next'])
  })

  it('shows a heartbeat before its first turn ends', async () => {
    rig.say('/demo hang')
    const from = Date.now() - 1_000
    running = rig.start()
    await rig.seen(() => expect(rig.entries('accepted')).toHaveLength(1))
    const path = join(rig.path('mail/out'), 'heartbeat')
    expect(existsSync(path)).toBe(true)
    expect(statSync(path).mtimeMs).toBeGreaterThan(from)
  })

  it('keeps the turn and tries again when the outbox cannot be written', async () => {
    const seq = rig.say('hello')
    let failures = 0
    running = rig.start({
      openOutbox: (path) =>
        failing(new OutboxWriter(path), () => {
          failures += 1
          // Both kinds of commit fail: the acceptance twice, then the output twice.
          return [1, 2, 4, 5].includes(failures)
        }),
    })
    await rig.settled(seq)
    expect(failures).toBe(6)
    expect(rig.rows().map((row) => row.entry.type)).toEqual(['accepted', 'reply', 'settled'])
    expect(rig.events.filter((event) => event === 'commit_failed')).toHaveLength(2)
  })

  it.each([
    [{ provider: 'toString' }, /provider: expected one that this image has \(demo\), got "toString"/],
    [{ protocol: 99 }, /settings.json: protocol: expected 1/],
    [{ concurrency: 0 }, /settings.json: [\s\S]*concurrency/],
  ])('refuses %j, says why, and leaves the message alone', async (settings, why) => {
    rig.settings(settings)
    rig.say('hello')
    await expect(rig.start().done).rejects.toMatchObject({
      name: 'RunnerRefusal',
      exitCode: 78,
      message: expect.stringMatching(why),
    })
    expect(rig.rows()).toEqual([])
  })
})

function failing(outbox: OutboxWriter, fails: () => boolean): Outbox & Disposable {
  return {
    append: (entries, at) => {
      if (fails()) throw new Error('disk full')
      return outbox.append(entries, at)
    },
    attempts: (seq) => outbox.attempts(seq),
    settled: () => outbox.settled(),
    prune: (seq, oldest) => outbox.prune(seq, oldest),
    [Symbol.dispose]: () => outbox[Symbol.dispose](),
  }
}
