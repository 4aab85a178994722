import type { OnReadOpts, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What a connection that says little costs, and what one is given that fills it. */
const FIRST_BYTES = 16 * 1024
const MOST_BYTES = 256 * 1024

/** Counts bytes that pass; for how many milliseconds the next ones are held back. Throws when no more may pass. */
type Count = (bytes: number) => number

/**
 * Passes a server's bytes on to a client out of one buffer, as they come: a pipe takes a new buffer for each read, which
 * costs more than half of the time of a large transfer. Nothing is read while the client's side still has something to
 * write.
 */
export class DirectRelay {
  readonly #target: Duplex
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #source: Socket | undefined
  #count: Count = () => 0
  #onOver: (error: unknown) => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #isHeld = false

  constructor(target: Duplex) {
    this.#target = target
  }

  /** For `connect`; the socket that it returns is to be paused. */
  get onread(): OnReadOpts {
    return {
      buffer: () => this.#buffer,
      callback: (bytes, buffer) => this.#pass(buffer.subarray(0, bytes), bytes === buffer.length),
    }
  }

  /** Begins. `onOver` is told what `count` throws; to end both sides is its business. To be called once. */
  start(source: Socket, count: Count, onOver: (error: unknown) => void): void {
    this.#source = source
    this.#count = count
    this.#onOver = onOver
    source.on('end', () => this.#target.end())
    source.on('close', () => clearTimeout(this.#timer))
    source.resume()
  }

  /** False holds the source back. */
  #pass(bytes: Uint8Array, isFull: boolean): boolean {
    if (!this.#target.writable) return false
    try {
      const wait = this.#count(bytes.length)
      if (wait > 0) this.#timer = setTimeout(() => this.#goOn(true), wait)
      this.#target.write(bytes, () => this.#goOn(false))
      if (isFull && this.#buffer.length < MOST_BYTES)
        this.#buffer = Buffer.allocUnsafeSlow(this.#buffer.length * 4)
      // Until the kernel has taken all of it, the buffer is not ours.
      this.#isHeld = wait > 0 || this.#target.writableLength > 0
    } catch (error) {
      this.#onOver(error)
      return false
    }
    return !this.#isHeld
  }

  #goOn(isPaid: boolean): void {
    if (isPaid) this.#timer = undefined
    if (!this.#isHeld || this.#timer !== undefined || this.#target.writableLength > 0) return
    this.#isHeld = false
    this.#source?.resume()
  }
}
