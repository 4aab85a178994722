import { type Clock, rest } from '../clock.ts'

/** A call that was let go comes within milliseconds, or the runtime has dropped it. */
const ARRIVAL_MS = 3_000

/** A call that a runtime has announced and not yet placed. */
export interface AnnouncedCall {
  readonly tool: string
  readonly session: string
}

/**
 * Tells whose a call is that comes over an address which all sessions share. The runtime announces each call and waits
 * for leave; calls are given leave one at a time, so that the one that comes next is the one that was let go.
 */
export class CallGate {
  readonly #clock: Clock
  #line: Promise<void> = Promise.resolve()
  #expected: (AnnouncedCall & { readonly came: () => void }) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Gives leave by `letGo` when it is this call's turn. Resolves when the call has come, or cannot be expected any more;
   * rejects as `letGo` does.
   */
  pass(call: AnnouncedCall, letGo: () => Promise<void>): Promise<void> {
    const passed = this.#line.then(() => this.#one(call, letGo))
    this.#line = passed.catch(() => undefined)
    return passed
  }

  /** Session of the call that has come; undefined when none of this tool was let go. */
  claim(tool: string): string | undefined {
    const expected = this.#expected
    if (expected?.tool !== tool) return undefined
    this.#expected = undefined
    expected.came()
    return expected.session
  }

  async #one(call: AnnouncedCall, letGo: () => Promise<void>): Promise<void> {
    const timer = new AbortController()
    const arrived = new Promise<void>((resolve) => {
      this.#expected = { ...call, came: resolve }
    })
    try {
      // The call may come before the answer to the leave.
      await Promise.race([arrived, letGo().then(() => rest(this.#clock, ARRIVAL_MS, timer.signal))])
    } finally {
      timer.abort()
      this.#expected = undefined
    }
  }
}
