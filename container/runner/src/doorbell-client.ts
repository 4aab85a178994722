import type { Socket } from 'node:net'
import { RING } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'

const BACKOFF_MIN_MS = 20
const BACKOFF_MAX_MS = 1_000

/** Rings that the host has not taken yet; more would tell it nothing new. */
const MAX_UNSENT_BYTES = 64

/**
 * The runner's end of the doorbell. Carries no data: it only shortens the wait for the next poll, so every loss is
 * allowed and nothing here ever blocks or throws.
 */
export class DoorbellClient {
  readonly #path: string
  readonly #clock: Clock
  readonly #onRing: () => void
  #socket: Socket | undefined

  constructor(options: { path: string; clock: Clock; onRing: () => void }) {
    this.#path = options.path
    this.#clock = options.clock
    this.#onRing = options.onRing
  }

  /**
   * Keeps a connection until `signal` aborts. A restarted host makes a new socket at the same path; each connection
   * counts as a ring on both sides, because anything may have been written meanwhile.
   */
  async run(signal: AbortSignal): Promise<void> {
    let backoff = BACKOFF_MIN_MS
    while (!signal.aborted) {
      const connected = await this.#connection(signal)
      backoff = connected ? BACKOFF_MIN_MS : Math.min(backoff * 2, BACKOFF_MAX_MS)
      await rest(this.#clock, backoff, signal)
    }
  }

  /** Tells the host that something was committed. Dropped when nobody listens or the host does not read. */
  ring(): void {
    if (this.#socket && this.#socket.writableLength < MAX_UNSENT_BYTES) this.#socket.write(RING)
  }

  /** One connection from its attempt to its end; says whether it was ever made. */
  #connection(signal: AbortSignal): Promise<boolean> {
    // Loaded here, not at the top: the first turn begins some milliseconds sooner.
    const socket = process.getBuiltinModule('node:net').connect({ path: this.#path })
    const end = () => socket.destroy()
    signal.addEventListener('abort', end, { once: true })
    return new Promise((resolve) => {
      let connected = false
      socket.on('connect', () => {
        connected = true
        this.#socket = socket
        // Commits from before the connection had nobody to ring for.
        this.ring()
        this.#onRing()
      })
      socket.on('data', () => this.#onRing())
      // The reason does not matter: 'close' follows, and the next attempt too.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        signal.removeEventListener('abort', end)
        this.#socket = undefined
        resolve(connected)
      })
    })
  }
}
