import { Transform, type TransformCallback } from 'node:stream'
import type { Pace } from './pace.ts'

/** How many bytes may pass, both ways together. */
export class ByteAllowance {
  readonly max: number
  used = 0

  constructor(max: number) {
    this.max = max
  }
}

/** More bytes came than may pass. */
export class OverLimitError extends Error {
  override name = 'OverLimitError'
  constructor(max: number) {
    super(`more than ${Math.floor(max / 1e6)} MB (limits.egress.request_mb)`)
  }
}

/** Passes bytes on, counts them, holds them back where a rate says so, and fails with OverLimitError when the allowance is used up. */
export class ByteMeter extends Transform {
  bytes = 0
  readonly #allowance: ByteAllowance
  readonly #rate: Pace
  #timer: NodeJS.Timeout | undefined

  constructor(allowance: ByteAllowance, rate: Pace) {
    super()
    this.#allowance = allowance
    this.#rate = rate
  }

  /** Counts bytes that pass elsewhere; for how many milliseconds more are to be held back. Throws OverLimitError. */
  count(bytes: number): number {
    this.bytes += bytes
    this.#allowance.used += bytes
    const wait = this.#rate.take(bytes)
    if (this.#allowance.used > this.#allowance.max) throw new OverLimitError(this.#allowance.max)
    return wait
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    let wait: number
    try {
      wait = this.count(chunk.length)
    } catch (error) {
      done(error instanceof Error ? error : new Error('not counted'))
      return
    }
    if (wait <= 0) done(null, chunk)
    else this.#timer = setTimeout(() => done(null, chunk), wait)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    done(error)
  }
}
