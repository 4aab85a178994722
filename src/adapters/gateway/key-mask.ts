import { Transform, type TransformCallback } from 'node:stream'

/**
 * Passes bytes on and turns each occurrence of a key into as many asterisks, also one that is cut between chunks. Holds
 * back only bytes that may be the beginning of the key.
 */
export class KeyMask extends Transform {
  readonly #key: Buffer
  readonly #mask: Buffer
  #held: Buffer = Buffer.alloc(0)

  constructor(key: string) {
    super()
    this.#key = Buffer.from(key)
    this.#mask = Buffer.alloc(this.#key.length, '*')
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const bytes = Buffer.concat([this.#held, chunk])
    for (let at = bytes.indexOf(this.#key); at >= 0; at = bytes.indexOf(this.#key, at))
      this.#mask.copy(bytes, at)
    const cut = bytes.length - this.#beginningAtEnd(bytes)
    this.#held = bytes.subarray(cut)
    done(null, bytes.subarray(0, cut))
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#held)
  }

  /** Length of the longest beginning of the key that `bytes` end with. */
  #beginningAtEnd(bytes: Buffer): number {
    const longest = Math.min(this.#key.length - 1, bytes.length)
    for (let length = longest; length > 0; length--)
      if (bytes.subarray(bytes.length - length).equals(this.#key.subarray(0, length))) return length
    return 0
  }
}
