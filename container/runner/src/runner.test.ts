import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  HEARTBEAT_FILE,
  INBOX_FILE,
  InboxWriter,
  OUTBOX_FILE,
  OutboxWriter,
  SANDBOX_PATHS,
} from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunnerRig, scripted } from '../../../test/runner/runner-rig.ts'
import { systemClock } from './clock.ts'
import type { Outbox } from './outbox-commits.ts'

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
    using outbox = new OutboxWriter(join(rig.path(SANDBOX_PATHS.out), OUTBOX_FILE))
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
    const path = join(rig.path(SANDBOX_PATHS.out), HEARTBEAT_FILE)
    expect(existsSync(path)).toBe(true)
    expect(statSync(path).mtimeMs).toBeGreaterThan(from)
  })

  it('waits, alive, while a killed host has left the inbox half written, and goes on when it is healed', async () => {
    const seq = rig.say('hello')
    rig.inbox[Symbol.dispose]()
    rig.tearInbox()
    running = rig.start()
    await rig.seen(() => expect(rig.events).toContain('inbox_unreadable'))
    expect(existsSync(join(rig.path(SANDBOX_PATHS.out), HEARTBEAT_FILE))).toBe(true)
    expect(rig.rows()).toEqual([])
    new InboxWriter(join(rig.path(SANDBOX_PATHS.in), INBOX_FILE))[Symbol.dispose]()
    await rig.settled(seq)
    expect(rig.events.filter((event) => event === 'inbox_unreadable')).toHaveLength(1)
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
    [{ provider: 'toString' }, /provider: expected one that this image has \(demo, .+\), got "toString"/],
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
    sent: (seq) => outbox.sent(seq),
    prune: (seq, oldest) => outbox.prune(seq, oldest),
    namedFiles: () => outbox.namedFiles(),
    [Symbol.dispose]: () => outbox[Symbol.dispose](),
  }
}
