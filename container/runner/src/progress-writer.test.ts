import type { OutboxEntry } from '@creel/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import { ProgressWriter } from './progress-writer.ts'
import { MAX_PROGRESS_TEXT, TurnRecord } from './turn-record.ts'

/** Time that passes when the test says so. */
class HandClock implements Clock {
  #now = 1_000
  readonly #sleepers: { at: number; wake: () => void }[] = []

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push({ at: this.#now + ms, wake: resolve })
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    for (const sleeper of this.#sleepers) if (sleeper.at <= this.#now) sleeper.wake()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

let clock: HandClock
let record: TurnRecord
let written: { at: number; text: string }[]
let progress: ProgressWriter
beforeEach(() => {
  clock = new HandClock()
  record = new TurnRecord()
  written = []
  const offer = (entry: OutboxEntry) => {
    if (entry.type === 'progress') written.push({ at: clock.now(), text: entry.text })
  }
  progress = new ProgressWriter({ inboxSeq: 1, chat: 'private', record, clock, offer })
})

function say(text: string): void {
  record.take({ type: 'delta', text })
  progress.update()
}

describe('progress', () => {
  it('is written at once and then at most every 250 ms, always with the newest text', async () => {
    for (let n = 0; n < 100; n++) {
      say('x')
      await clock.pass(10)
    }
    expect(written.map(({ at, text }) => [at - 1_000, text.length])).toEqual([
      [0, 1],
      [250, 25],
      [500, 50],
      [750, 75],
      [1_000, 100],
    ])
  })

  it('is not written when nothing was said, nor twice for the same words', async () => {
    record.take({ type: 'activity' })
    progress.update()
    expect(written).toEqual([])
    say('x')
    progress.update()
    await clock.pass(1_000)
    progress.update()
    expect(written).toHaveLength(1)
  })

  it('shows the end of a long text', () => {
    say(`${'a'.repeat(MAX_PROGRESS_TEXT)}z`)
    expect(written[0]?.text).toHaveLength(MAX_PROGRESS_TEXT)
    expect(written[0]?.text).toMatch(/^…a+z$/)
  })

  it('is not written after the end', async () => {
    say('x')
    say('y')
    progress.end()
    await clock.pass(1_000)
    expect(written).toHaveLength(1)
  })
})
