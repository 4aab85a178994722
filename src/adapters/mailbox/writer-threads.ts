import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import {
  unpackError,
  type WriterAnswer,
  type WriterOrder,
  type WriterSetup,
  type WriterWord,
} from './writer-wire.ts'

/** A commit waits for the disk most of its time, so more than there are cores. */
const THREADS = 4
/** A thread that had nothing to do for so long gives its memory back. */
const REST_MS = 30_000
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 }

type Work =
  | Omit<Extract<WriterOrder, { do: 'open' }>, 'id'>
  | Omit<Extract<WriterOrder, { do: 'put' }>, 'id'>
  | Omit<Extract<WriterOrder, { do: 'prune' }>, 'id'>

interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, PromiseWithResolvers<readonly number[]>>
  /** Asked for, and not said to the thread yet. */
  unsaid: WriterOrder[]
  readonly ended: Promise<void>
  ready: boolean
  rest: NodeJS.Timeout | undefined
}

/** A few threads that write inboxes, each group always in the same one. */
export class WriterThreads {
  readonly #setup: WriterSetup
  readonly #threads: (Thread | undefined)[]
  readonly #ending = new Set<Promise<void>>()
  #count = 0
  #closed = false

  constructor(setup: WriterSetup, threads = THREADS) {
    this.#setup = setup
    this.#threads = Array.from({ length: threads }, () => undefined)
  }

  /** Begins the threads that do not run. Without work they end again after a while. */
  wake(): void {
    if (this.#closed) return
    for (const index of this.#threads.keys()) this.#threads[index] ??= this.#begin()
  }

  /** Whether the thread of this group takes orders now. */
  isReady(group: GroupName): boolean {
    return this.#threads[indexOf(group, this.#threads.length)]?.ready ?? false
  }

  /** Whether it runs, so that orders are taken, now or in a moment. */
  isBegun(group: GroupName): boolean {
    return this.#threads[indexOf(group, this.#threads.length)] !== undefined
  }

  /**
   * To be called when it runs. Rejects with the CreelError of the mailbox; with `unavailable` when the thread died:
   * do it again then.
   */
  run(work: Work): Promise<readonly number[]> {
    const thread = this.#threads[indexOf(work.group, this.#threads.length)]
    if (!thread) return Promise.reject(new CreelError('unavailable', 'no thread writes this inbox'))
    const id = ++this.#count
    const answer = Promise.withResolvers<readonly number[]>()
    thread.waiting.set(id, answer)
    // What many ask for at once is said at once.
    if (thread.unsaid.push({ ...work, id }) === 1) process.nextTick(() => this.#say(thread))
    return answer.promise
  }

  #say(thread: Thread): void {
    const orders = thread.unsaid
    if (orders.length === 0) return
    thread.unsaid = []
    clearTimeout(thread.rest)
    thread.worker.ref()
    thread.worker.postMessage(orders satisfies readonly WriterOrder[])
  }

  /** Lets what was asked for end. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    for (const thread of this.#threads) if (thread) this.#end(thread)
    await Promise.all(this.#ending)
  }

  #begin(): Thread {
    const worker = new Worker(join(import.meta.dirname, 'writer-main.ts'), {
      workerData: this.#setup,
      resourceLimits: HEAP,
    })
    const ended = Promise.withResolvers<void>()
    const thread: Thread = {
      ...{ worker, waiting: new Map(), unsaid: [] },
      ...{ ended: ended.promise, ready: false, rest: undefined },
    }
    worker.on('message', (word: WriterWord) => this.#heard(thread, word))
    let reason = 'it ended'
    worker.on('error', (error) => {
      reason = error.message
    })
    worker.unref()
    worker.on('exit', () => {
      this.#forget(thread)
      for (const { reject } of thread.waiting.values())
        reject(new CreelError('unavailable', `a thread that writes inboxes died: ${reason}`))
      ended.resolve()
    })
    return thread
  }

  #heard(thread: Thread, word: WriterWord): void {
    if (word === 'ready') thread.ready = true
    else for (const answer of word) this.#settle(thread, answer)
    if (thread.waiting.size > 0) return
    // Nothing is under way: it must not keep the process alive.
    thread.worker.unref()
    thread.rest = setTimeout(() => this.#end(thread), REST_MS)
    thread.rest.unref()
  }

  #settle(thread: Thread, answer: WriterAnswer): void {
    const asked = thread.waiting.get(answer.id)
    thread.waiting.delete(answer.id)
    if ('failed' in answer) asked?.reject(unpackError(answer.failed))
    else asked?.resolve(answer.seqs)
  }

  #end(thread: Thread): void {
    clearTimeout(thread.rest)
    this.#forget(thread)
    thread.worker.ref()
    this.#say(thread)
    thread.worker.postMessage('close')
    this.#ending.add(thread.ended)
    void thread.ended.finally(() => this.#ending.delete(thread.ended))
  }

  #forget(thread: Thread): void {
    const index = this.#threads.indexOf(thread)
    if (index >= 0) this.#threads[index] = undefined
  }
}

function indexOf(group: string, count: number): number {
  let hash = 0
  for (const character of group) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003
  return hash % count
}
