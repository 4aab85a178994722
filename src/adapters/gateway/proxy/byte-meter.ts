import { Transform, type TransformCallback } from 'node:stream'
import type { ByteRate } from './byte-rate.ts'

/** More bytes came than may pass. */
export class OverLimitError extends Error {
  override name = 'OverLimitError'
  constructor(max: number) {
    super(`more than ${Math.floor(max / 1024 / 1024)} MB`)
  }
}

/** Passes bytes on, counts them, holds them back where a rate says so, and fails with OverLimitError after `max`. */
export class ByteMeter extends Transform {
  bytes = 0
  readonly #max: number
  readonly #rate: ByteRate
  #timer: NodeJS.Timeout | undefined

  constructor(max: number, rate: ByteRate) {
    super()
    this.#max = max
    this.#rate = rate
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length
    const wait = this.#rate.take(chunk.length)
    if (this.bytes > this.#max) done(new OverLimitError(this.#max))
    else if (wait <= 0) done(null, chunk)
    else this.#timer = setTimeout(() => done(null, chunk), wait)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    done(error)
  }
}
