import { readFileSync } from 'node:fs'
import { type Recording, type Transcriber, TranscriptionError } from '../../src/domain/ports/transcription.ts'

/**
 * Writes down what recordings hold: `say:WORDS`; `die:` cannot be transcribed, `again:` not now, `hang:` never ends by
 * itself. Strict: a recording that is not there, and any use after `close`, throw.
 */
export class FakeTranscriber implements Transcriber {
  /** What was asked for, in order. */
  readonly asked: string[] = []
  /** The most at once so far. */
  mostAtOnce = 0
  running = 0
  /** Waited for before each answer. */
  gate: Promise<void> | undefined
  #closed = false

  async transcribe({ path }: Recording, signal: AbortSignal): Promise<string> {
    if (this.#closed) throw new Error('FakeTranscriber: used after close')
    signal.throwIfAborted()
    const text = readFileSync(path, 'utf8')
    this.asked.push(text)
    this.running += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running)
    try {
      return await this.#answer(text, signal)
    } finally {
      this.running -= 1
    }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  async #answer(text: string, signal: AbortSignal): Promise<string> {
    await Promise.race([this.gate, aborted(signal)])
    signal.throwIfAborted()
    const [order, ...rest] = text.split(':')
    if (order === 'say') return rest.join(':')
    if (order === 'hang') await aborted(signal)
    signal.throwIfAborted()
    const detail = rest.join(':')
    if (order === 'again') throw new TranscriptionError('it is busy', { detail, againAfterMs: 1_000 })
    if (order === 'bug') throw new TypeError(`a defect at /home/someone/${detail}`)
    throw new TranscriptionError('it cannot be understood', { detail })
  }
}

/** Ends when it aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
