import type { OnReadOpts, Socket } from 'node:net'

/** What a connection that says little costs, and what one is given that fills it. */
const FIRST_BYTES = 16 * 1024
const MOST_BYTES = 256 * 1024

/**
 * Passes on what a socket reads, out of one buffer and as it comes: a pipe takes a new buffer for each read, which costs
 * more than half of the time of a large transfer. Nothing is read while the target still has something to write.
 */
export class DirectRelay {
  readonly #target: Socket
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #source: Socket | undefined
  #isHeld = false

  constructor(target: Socket) {
    this.#target = target
  }

  /** For `connect`; the socket that it returns is then to be given to `from`. */
  get onread(): OnReadOpts {
    return {
      buffer: () => this.#buffer,
      callback: (bytes, buffer) => this.#pass(buffer.subarray(0, bytes), bytes === buffer.length),
    }
  }

  /** The end of the source is passed on as well. */
  from(source: Socket): void {
    this.#source = source
    source.on('end', () => this.#target.end())
  }

  /** False holds the source back. */
  #pass(bytes: Uint8Array, isFull: boolean): boolean {
    const target = this.#target
    if (!target.writable) return false
    target.write(bytes, () => this.#goOn())
    if (isFull && this.#buffer.length < MOST_BYTES)
      this.#buffer = Buffer.allocUnsafeSlow(this.#buffer.length * 4)
    // The kernel has not taken all of it: the buffer is not ours before it has.
    this.#isHeld = target.writableLength > 0
    return !this.#isHeld
  }

  #goOn(): void {
    if (!this.#isHeld || this.#target.writableLength > 0) return
    this.#isHeld = false
    this.#source?.resume()
  }
}
