/** More lines than this about one group in a minute tell nobody anything. */
const PER_MINUTE = 20
const MINUTE_MS = 60_000

/** Lets so many reports of one group through that a flood of requests is no flood of log lines. */
export class ReportLimit {
  readonly #now: () => number
  #from = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** 'last': the one that should say that more are kept back for a while. */
  next(): 'yes' | 'last' | 'no' {
    if (this.#now() - this.#from >= MINUTE_MS) {
      this.#from = this.#now()
      this.#count = 0
    }
    this.#count++
    if (this.#count === PER_MINUTE) return 'last'
    return this.#count < PER_MINUTE ? 'yes' : 'no'
  }
}
