import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { childEnv, childFlags } from '../../child-flags.ts'
import type { OutboxBatch } from '../../domain/ports/mailbox.ts'
import { ChildMessage, type ReadRequest } from './wire.ts'

/** From fork to `ready`; generous because a loaded machine starts processes slowly. */
const START_MS = 20_000

export type LaneAnswer =
  | { readonly kind: 'batch'; readonly batch: OutboxBatch; readonly tookMs: number }
  /** No answer in time, or the child died over it; the child has been replaced. */
  | { readonly kind: 'lost'; readonly why: string }
  /** Nothing to do with the file: the child could not be started, or the lane was closed. */
  | { readonly kind: 'unavailable'; readonly why: string }

interface Job {
  readonly request: ReadRequest
  readonly done: (answer: LaneAnswer) => void
}

/**
 * One resident child that reads one file at a time, killed and replaced when a read outlives the deadline. With
 * `spare` a second child stands ready, so that those who wait do not also wait for a process to start.
 */
export class ReaderLane {
  readonly #deadlineMs: number
  readonly #keepsSpare: boolean
  readonly #waiting: Job[] = []
  readonly #ready = new WeakSet<ChildProcess>()
  #child: ChildProcess | undefined
  #spare: ChildProcess | undefined
  #current: Job | undefined
  #timer: NodeJS.Timeout | undefined
  #nextId = 1
  #closed = false

  constructor(options: { deadlineMs: number; spare: boolean }) {
    this.#deadlineMs = options.deadlineMs
    this.#keepsSpare = options.spare
  }

  /** Never rejects. Answers come in the order of the calls. */
  read(path: string, after: number, limit: number): Promise<LaneAnswer> {
    return new Promise((done) => {
      this.#waiting.push({ request: { id: this.#nextId++, path, after, limit }, done })
      this.#next()
    })
  }

  /** Ends the children; what still waits is answered as unavailable. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const left = [...(this.#current ? [this.#current] : []), ...this.#waiting.splice(0)]
    this.#current = undefined
    for (const job of left) job.done({ kind: 'unavailable', why: 'the reader was closed' })
    await Promise.all([end(this.#child), end(this.#spare)])
  }

  #next(): void {
    if (this.#current || this.#waiting.length === 0) return
    if (this.#closed) {
      for (const job of this.#waiting.splice(0))
        job.done({ kind: 'unavailable', why: 'the reader was closed' })
      return
    }
    if (!this.#child) this.#putInPlace()
    if (!this.#child || !this.#ready.has(this.#child)) return
    this.#current = this.#waiting.shift()
    if (!this.#current) return
    this.#limit(this.#deadlineMs, `no answer within ${this.#deadlineMs} ms`)
    this.#child.send(this.#current.request, (error) => {
      if (error) this.#lose('the reader process could not be asked')
    })
  }

  #putInPlace(): void {
    this.#child = this.#spare ?? this.#fork()
    this.#spare = undefined
    if (this.#ready.has(this.#child)) this.#addSpare()
    else this.#limit(START_MS, `the reader did not start within ${START_MS} ms`)
  }

  #addSpare(): void {
    if (this.#keepsSpare && !this.#spare && !this.#closed) this.#spare = this.#fork()
  }

  #fork(): ChildProcess {
    // No environment of ours: whatever a hostile file may do to the child, there is no secret to find there.
    const child = fork(fileURLToPath(new URL('./child-main.ts', import.meta.url)), [], {
      env: childEnv(),
      execArgv: childFlags(256),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.on('message', (message) => this.#heard(child, message))
    const gone = () => {
      if (child === this.#spare) this.#spare = undefined
      if (child === this.#child && !this.#closed) this.#lose('the reader process died')
    }
    child.on('exit', gone)
    child.on('error', gone)
    return child
  }

  #heard(child: ChildProcess, raw: unknown): void {
    const message = ChildMessage.safeParse(raw).data
    if (message?.type === 'ready') this.#ready.add(child)
    if (child !== this.#child) return
    if (message?.type === 'ready') {
      clearTimeout(this.#timer)
      this.#addSpare()
      this.#next()
    } else if (message?.type === 'answer' && message.id === this.#current?.request.id) {
      const job = this.#current
      clearTimeout(this.#timer)
      this.#current = undefined
      job.done({ kind: 'batch', batch: message.batch, tookMs: message.tookMs })
      this.#next()
    } else {
      this.#lose('the reader process answered nonsense')
    }
  }

  #limit(ms: number, why: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#lose(why), ms)
  }

  /** Gives the current job up and replaces the child at once, so that the next job waits as little as possible. */
  #lose(why: string): void {
    clearTimeout(this.#timer)
    const job = this.#current
    const failedToStart = this.#child !== undefined && !this.#ready.has(this.#child)
    this.#child?.kill('SIGKILL')
    this.#child = undefined
    this.#current = undefined
    // Everybody is told: forking again for each of them would only add to the machine's trouble.
    if (failedToStart)
      for (const waiting of this.#waiting.splice(0)) waiting.done({ kind: 'unavailable', why })
    job?.done({ kind: 'lost', why })
    if (job && !this.#closed && !this.#child) this.#putInPlace()
    this.#next()
  }
}

/** Kills a child and resolves when it is gone. */
async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
