import type Database from 'better-sqlite3'
import type { SharedCommits } from '../../domain/ports/shared-commits.ts'
import { relaxedSync } from './relaxed-sync.ts'

/** After so long the rest waits for the next turn: sockets and timers must not be kept waiting (I7). */
const MAX_TURN_MS = 10
/** How often one piece of work is done in one turn. */
const MOST_AGAIN = 16

interface Job {
  /** Does the work within the commit; what it returns tells whoever asked, after it. */
  readonly work: () => () => void
  readonly refuse: (error: unknown) => void
}

/**
 * A commit costs more than the work for one message, and so does each read outside of a transaction, for the lock that
 * it takes and gives back. Nothing else can get into the transaction: all of it is one synchronous piece.
 */
export class SqliteSharedCommits implements SharedCommits {
  readonly #db: Database.Database
  readonly #waiting: Job[] = []
  /** Within the transaction of all of them each is a savepoint. */
  readonly #alone: (work: () => unknown) => unknown
  readonly #together: (taken: Job[], tell: (() => void)[]) => void

  constructor(db: Database.Database) {
    this.#db = db
    this.#alone = db.transaction((work: () => unknown) => work())
    this.#together = db.transaction((taken: Job[], tell: (() => void)[]) => this.#work(taken, tell))
  }

  run<T>(work: () => T, again: (result: T) => boolean = () => false): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const job: Job = {
      work: () => {
        try {
          const result = this.#repeated(work, again)
          return () => resolve(result)
        } catch (error) {
          return () => reject(error)
        }
      },
      refuse: reject,
    }
    if (this.#waiting.push(job) === 1) setImmediate(() => this.#commit())
    return promise
  }

  #repeated<T>(work: () => T, again: (result: T) => boolean): T {
    let result = this.#alone(work) as T
    for (let times = 1; times < MOST_AGAIN && again(result); times += 1) {
      try {
        result = this.#alone(work) as T
      } catch (error) {
        // What was done before it stands; asked for by itself it fails again, and whoever asks hears of it.
        if (!this.#db.inTransaction) throw error
        break
      }
    }
    return result
  }

  #commit(): void {
    const taken: Job[] = []
    const tell: (() => void)[] = []
    try {
      relaxedSync(this.#db, () => this.#together(taken, tell))
      for (const told of tell) told()
    } catch (error) {
      for (const { refuse } of taken) refuse(error)
    }
    if (this.#waiting.length > 0) setImmediate(() => this.#commit())
  }

  #work(taken: Job[], tell: (() => void)[]): void {
    const until = performance.now() + MAX_TURN_MS
    do {
      const job = this.#waiting.shift()
      if (!job) return
      taken.push(job)
      tell.push(job.work())
      // A full disk can undo the whole transaction: what was done in it before is to be refused, too.
      if (!this.#db.inTransaction) throw new Error('the commit was undone')
    } while (performance.now() < until)
  }
}
