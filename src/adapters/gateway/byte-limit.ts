import { Transform, type TransformCallback } from 'node:stream'

/** More bytes came than may pass. */
export class TooManyBytesError extends Error {
  override name = 'TooManyBytesError'
  constructor(max: number) {
    super(`the request is larger than ${Math.floor(max / 1024 / 1024)} MB`)
  }
}

/** Passes bytes on and fails with TooManyBytesError after `max` of them. */
export class ByteLimit extends Transform {
  readonly #max: number
  #seen = 0

  constructor(max: number) {
    super()
    this.#max = max
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#seen += chunk.length
    if (this.#seen > this.#max) done(new TooManyBytesError(this.#max))
    else done(null, chunk)
  }
}
