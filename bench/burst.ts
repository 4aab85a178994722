import type { Bench } from './bench.ts'
import { startGroups } from './bench-host.ts'
import { preciseNow, rounded } from './figures.ts'

const GROUPS = 20
const GIVE_UP_MS = 600_000

/**
 * So many messages handed over at once to twenty groups without a sandbox, until the last answer is sent. An answer
 * that stands before an earlier one of its chat counts as lost: it is no use there.
 */
export const burst: Bench = {
  defaultRuns: 1_000,
  async run({ install, runs, say, signal }) {
    const groups = Array.from({ length: GROUPS }, (_, n) => `burst${n}`)
    const bench = await startGroups(install, groups, say)
    try {
      const answers = new Answers()
      bench.channel.onSent = ({ chat, text }) => answers.take(chat, text)
      say(`sending ${runs} messages to ${GROUPS} groups`)
      const begun = preciseNow()
      for (let n = 0; n < runs; n++) bench.channel.say(groups[n % GROUPS] ?? '', `number ${n}.`)
      while (answers.seen.size < runs && preciseNow() - begun < GIVE_UP_MS) {
        await bench.host.parts.core.clock.sleep(20, signal)
      }
      const lost = runs - answers.seen.size + answers.turned
      return {
        seconds: rounded((answers.lastAt - begun) / 1000),
        answered: answers.seen.size,
        lost,
        doubled: answers.doubled,
      }
    } finally {
      await bench[Symbol.asyncDispose]()
    }
  },
}

class Answers {
  readonly seen = new Set<number>()
  doubled = 0
  /** Out of order in their chat. */
  turned = 0
  lastAt = 0
  readonly #newest = new Map<string, number>()

  take(chat: string, text: string): void {
    const number = Number(/number (\d+)\./.exec(text)?.[1] ?? Number.NaN)
    if (Number.isNaN(number)) return
    if (this.seen.has(number)) {
      this.doubled += 1
      return
    }
    this.seen.add(number)
    if (number < (this.#newest.get(chat) ?? -1)) this.turned += 1
    this.#newest.set(chat, Math.max(number, this.#newest.get(chat) ?? -1))
    this.lastAt = preciseNow()
  }
}
