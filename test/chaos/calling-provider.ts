import { setTimeout as sleep } from 'node:timers/promises'
import type { TurnEvent, TurnInput } from '@creel/protocol'
import type { ProviderRuntime, Turn } from '../../container/runner/src/index.ts'

/** As long as the runtimes try themselves before they report what passes. */
const PATIENCE_MS = 20_000
const AGAIN_MS = 100

/**
 * A provider that first asks a model, through the gateway, as the real ones do; a call that is cut off is made again.
 * The answer is the inner provider's.
 */
export class CallingProvider implements ProviderRuntime {
  readonly name = 'demo'
  readonly #inner: ProviderRuntime
  readonly #baseUrl: string

  constructor(inner: ProviderRuntime, baseUrl: string) {
    this.#inner = inner
    this.#baseUrl = baseUrl
  }

  startTurn(input: TurnInput, signal: AbortSignal): Turn {
    const turn = this.#inner.startTurn(input, signal)
    return {
      [Symbol.asyncIterator]: () => this.#events(turn, signal),
      steer: (text) => turn.steer(text),
    }
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async *#events(turn: Turn, signal: AbortSignal): AsyncGenerator<TurnEvent, void> {
    if (await this.#ask(signal)) yield* turn
    else if (signal.aborted) yield { type: 'interrupted' }
    else yield { type: 'failed', reason: 'overloaded', message: 'the model service does not answer' }
  }

  async #ask(signal: AbortSignal): Promise<boolean> {
    for (const end = performance.now() + PATIENCE_MS; performance.now() < end && !signal.aborted; ) {
      try {
        const body = '{"model":"chaos"}'
        const headers = { 'content-type': 'application/json' }
        const response = await fetch(`${this.#baseUrl}/anthropic/v1/messages`, {
          ...{ method: 'POST', headers, body },
          signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
        })
        const answer = await response.text()
        if (response.ok && answer.includes('chaos')) return true
      } catch (error) {
        // Cut off, or the host is gone for the moment.
        if (signal.aborted) return false
        if (!(error instanceof Error)) throw error
      }
      await sleep(AGAIN_MS)
    }
    return false
  }
}
