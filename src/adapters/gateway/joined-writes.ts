import type { ServerResponse } from 'node:http'

/** What may wait behind the write that is under way; one read may bring more. */
const MOST_WAITING = 64 * 1024
const JOINED_BYTES = 2 * MOST_WAITING

/**
 * Writes an answer with one write under way at a time; what comes meanwhile becomes the next one. Node takes several
 * pieces that wait for a TLS connection into new memory each time, which costs more than their encryption.
 */
export class JoinedWrites {
  readonly #target: ServerResponse
  readonly #onRoom: () => void
  #waiting: Buffer[] = []
  #bytes = 0
  #isWriting = false
  #hasEnded = false
  #joined: Buffer | undefined

  /** `onRoom` is told whenever more can be taken. */
  constructor(target: ServerResponse, onRoom: () => void) {
    this.#target = target
    this.#onRoom = onRoom
  }

  get isFull(): boolean {
    return this.#bytes >= MOST_WAITING
  }

  /** Takes them over, also when it is full. */
  write(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#waiting.push(bytes)
    this.#bytes += bytes.length
    if (!this.#isWriting) this.#next()
  }

  /** After what waits. */
  end(): void {
    this.#hasEnded = true
    if (!this.#isWriting) this.#next()
  }

  #next(): void {
    const target = this.#target
    if (target.destroyed) return
    if (this.#waiting.length > 0) {
      const bytes = this.#join()
      this.#isWriting = true
      target.write(bytes, () => {
        this.#isWriting = false
        this.#next()
      })
      return
    }
    if (this.#hasEnded) target.end()
    else this.#onRoom()
  }

  /** All that waits as one piece. The write before is over, so its memory is free. */
  #join(): Buffer {
    const bytes = this.#bytes
    const pieces = this.#waiting
    const [first] = pieces
    this.#waiting = []
    this.#bytes = 0
    if (first !== undefined && pieces.length === 1) return first
    if (bytes > JOINED_BYTES) return Buffer.concat(pieces)
    this.#joined ??= Buffer.allocUnsafeSlow(JOINED_BYTES)
    let at = 0
    for (const piece of pieces) at += piece.copy(this.#joined, at)
    return this.#joined.subarray(0, bytes)
  }
}
