import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { RING } from '@creel/protocol'
import { CreelError } from '../../domain/errors.ts'
import { makeRoomForSocket, socketExists } from '../../socket-path.ts'
import { BurstGate } from './burst-gate.ts'

/** A runner needs one; a few more let a restarted runner in before the old connection is noticed gone. */
const MAX_CONNECTIONS = 4
/** How long a connection is not read from after a chunk: with full buffers the flooding client blocks. */
const REST_MS = 1
/** More connections than this within one window, and the door is shut for a window. */
const MAX_ARRIVALS = 30
const WINDOW_MS = 1_000

/**
 * One group's socket. Whoever rings is hostile: bytes are dropped unread, connections are few, and one that
 * arrives too often finds no socket for a while (those that are connected stay so; polling covers the rest).
 */
export class GroupBell {
  readonly #path: string
  readonly #gate: BurstGate
  readonly #sockets = new Set<Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #onRing: () => void
  #server: Server | undefined
  #arrivals = 0
  #closed = false

  constructor(path: string, onRing: () => void) {
    this.#path = path
    this.#onRing = onRing
    this.#gate = new BurstGate(() => this.#onRing())
  }

  get connected(): boolean {
    return this.#sockets.size > 0
  }

  /** Takes the new callback, and makes the socket again when its file was removed. */
  async reopen(onRing: () => void): Promise<void> {
    this.#onRing = onRing
    if (this.#server && !socketExists(this.#path)) {
      this.#server.close()
      this.#server = undefined
      await this.listen()
    }
  }

  /** Resolves when a runner can connect. Throws CreelError when the path is too long or not writable. */
  listen(): Promise<void> {
    makeRoomForSocket(this.#path)
    const server = createServer((socket) => this.#welcome(socket))
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        reject(new CreelError('unavailable', `cannot listen at ${this.#path}`, { cause: error }))
      })
      server.listen(this.#path, () => {
        server.on('error', () => this.#shutDoor())
        // The sandbox has another uid; who may come here at all is decided by the private data directory.
        chmodSync(this.#path, 0o666)
        resolve()
      })
    })
  }

  ring(): void {
    for (const socket of this.#sockets) {
      // An earlier ring still waits to be read there: one more would say nothing new.
      if (socket.writable && socket.writableLength === 0) socket.write(RING)
    }
  }

  /** Ends connections, timers and the socket file. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#gate.close()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    for (const socket of this.#sockets) socket.destroy()
    const server = this.#server
    this.#server = undefined
    if (server?.listening) await new Promise((resolve) => server.close(resolve))
  }

  #welcome(socket: Socket): void {
    this.#countArrival()
    if (this.#sockets.size >= MAX_CONNECTIONS) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // A peer that vanishes is no event worth more than the 'close' that follows.
    socket.on('error', () => socket.destroy())
    socket.on('data', () => {
      this.#gate.knock()
      socket.pause()
      this.#later(REST_MS, () => socket.resume())
    })
  }

  #countArrival(): void {
    if (this.#arrivals === 0)
      this.#later(WINDOW_MS, () => {
        this.#arrivals = 0
      })
    this.#arrivals++
    if (this.#arrivals === MAX_ARRIVALS) this.#shutDoor()
  }

  #shutDoor(): void {
    // Closing a server stops it from accepting and removes the socket file; connections go on.
    this.#server?.close()
    this.#server = undefined
    this.#later(WINDOW_MS, () => {
      if (!this.#server) this.listen().catch(() => this.#shutDoor())
    })
  }

  #later(ms: number, action: () => void): void {
    if (this.#closed) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      action()
    }, ms)
    this.#timers.add(timer)
  }
}
