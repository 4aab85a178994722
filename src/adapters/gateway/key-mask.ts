import { Transform, type TransformCallback } from 'node:stream'

const NOTHING = Buffer.alloc(0)

/**
 * Turns each occurrence of a key into as many asterisks, also one that is cut between chunks. Holds back only bytes that
 * may be the beginning of the key, and copies only what has one in it.
 */
export class KeySearch {
  readonly #key: Buffer
  readonly #mask: Buffer
  #held: Buffer = NOTHING

  constructor(key: string) {
    this.#key = Buffer.from(key)
    this.#mask = Buffer.alloc(this.#key.length, '*')
  }

  /** The next bytes; what comes back may be fewer or none. */
  pass(chunk: Buffer): Buffer {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    let at = bytes.indexOf(this.#key)
    if (at >= 0 && bytes === chunk) bytes = Buffer.from(chunk)
    for (; at >= 0; at = bytes.indexOf(this.#key, at)) this.#mask.copy(bytes, at)
    const cut = this.#beginningAtEnd(bytes)
    this.#held = cut === bytes.length ? NOTHING : Buffer.from(bytes.subarray(cut))
    return bytes.subarray(0, cut)
  }

  /** What was held back, when no more comes. */
  rest(): Buffer {
    const rest = this.#held
    this.#held = NOTHING
    return rest
  }

  /** Where the longest beginning of the key is that `bytes` end with; their length where there is none. */
  #beginningAtEnd(bytes: Buffer): number {
    const first = this.#key[0] ?? 0
    const end = bytes.length
    for (let at = bytes.indexOf(first, Math.max(0, end - this.#key.length + 1)); at >= 0; ) {
      if (bytes.compare(this.#key, 0, end - at, at, end) === 0) return at
      at = bytes.indexOf(first, at + 1)
    }
    return end
  }
}

/** The same as a stream. */
export class KeyMask extends Transform {
  readonly #search: KeySearch

  constructor(key: string) {
    super()
    this.#search = new KeySearch(key)
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    done(null, this.#search.pass(chunk))
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#search.rest())
  }
}
