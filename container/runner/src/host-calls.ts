import type { InboxResult, OutboxCall } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import type { OutboxCommits } from './outbox-commits.ts'

/** Longest wait for the host's answer; usually it takes milliseconds. */
export const HOST_CALL_MS = 20_000
/** Answers that are remembered, for a turn that is begun again; the host still knows the others. */
const MAX_KNOWN = 200

export type CallEnd =
  | { readonly kind: 'answered'; readonly ok: boolean; readonly text: string }
  /** No answer in time, or it could not be written down: whether it was done is not known. */
  | { readonly kind: 'silent' | 'failed' | 'over' }

/**
 * Calls of tools on their way to the host and back. Nothing of it need be kept: a call that is made again has the same
 * name, and the host answers it again.
 */
export class HostCalls {
  readonly #commits: Pick<OutboxCommits, 'commit'>
  readonly #clock: Clock
  readonly #known = new Map<string, InboxResult>()
  readonly #waiting = new Map<string, Set<(result: InboxResult) => void>>()

  constructor({ commits, clock }: { commits: Pick<OutboxCommits, 'commit'>; clock: Clock }) {
    this.#commits = commits
    this.#clock = clock
  }

  /** The host has answered. */
  answered(result: InboxResult): void {
    const key = `${result.inboxSeq}:${result.callId}`
    this.#known.delete(key)
    this.#known.set(key, result)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break
      this.#known.delete(oldest)
    }
    for (const resolve of this.#waiting.get(key) ?? []) resolve(result)
  }

  /** Never rejects; ends early when `signal` aborts. */
  async call(entry: OutboxCall, signal: AbortSignal): Promise<CallEnd> {
    const key = `${entry.inboxSeq}:${entry.id}`
    const known = this.#known.get(key)
    if (known) return ended(known)
    const timer = new AbortController()
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting)
    const answer = Promise.withResolvers<InboxResult>()
    waiting.add(answer.resolve)
    try {
      if (!(await this.#commits.commit([entry], signal))) return { kind: 'failed' }
      const late = rest(this.#clock, HOST_CALL_MS, AbortSignal.any([signal, timer.signal]))
      const result = await Promise.race([answer.promise, late])
      if (result) return ended(result)
      return { kind: signal.aborted ? 'over' : 'silent' }
    } finally {
      timer.abort()
      waiting.delete(answer.resolve)
      if (waiting.size === 0) this.#waiting.delete(key)
    }
  }
}

function ended({ ok, text }: InboxResult): CallEnd {
  return { kind: 'answered', ok, text }
}
