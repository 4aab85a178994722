import { type BackoffRange, backoffMs } from '../backoff.ts'
import type { ChatId, UnixMs } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'

/** So many sends in a row that nobody answered, whatever the chat: the platform is down, not one message bad. */
const OPEN_AFTER = 5
/** Sends at once to one channel: a slow platform must leave the others their share of the pump. */
const MAX_AT_ONCE = 16
const PROBE_WAITS: BackoffRange = { baseMs: 1_000, maxMs: 60_000 }
/** Shorter outages are not worth a word to anybody. */
const TELL_AFTER_MS = 60_000
/** A channel that fails again this soon is in the same outage. */
const SAME_OUTAGE_MS = 600_000
/** A lane that has no permit is nudged when there is one; this is the fallback. */
const QUEUE_WAIT_MS = 1_000

/** `go`: send, then `done`. `probe`: find out whether the channel answers, then `probed` or `done`. */
export type Permit = 'go' | 'probe' | { readonly waitMs: number }

/** `answered`: the platform spoke, whatever it said. `slow-down`: it asks to wait. `silent`: it could not be reached. */
export type SendOutcome = 'answered' | 'slow-down' | 'silent'

export interface BreakerPorts {
  readonly clock: Pick<Clock, 'now'>
  readonly random: () => number
  /** This chat may try again. */
  readonly nudge: (chatId: ChatId) => void
  /** Told once per outage that lasts. */
  readonly down: (channel: string, since: UnixMs) => void
  readonly up: (channel: string, since: UnixMs) => void
}

interface Circuit {
  failures: number
  inFlight: number
  /** `open`: nothing is sent but probes. `ramp`: as many at once as have succeeded. */
  state: 'closed' | 'open' | 'ramp'
  limit: number
  probing: boolean
  probes: number
  probeAt: number
  since: UnixMs | null
  upAt: UnixMs | null
  told: boolean
  /** Chats that were turned away, in their order. */
  readonly waiting: Set<ChatId>
}

/**
 * Keeps a platform that is down from being called by every chat at once, and from being overrun when it is back: one
 * probe after growing waits, then as many sends at once as have succeeded. In memory: a new host finds out again.
 */
export class ChannelBreaker {
  readonly #ports: BreakerPorts
  readonly #circuits = new Map<string, Circuit>()

  constructor(ports: BreakerPorts) {
    this.#ports = ports
  }

  /** Asks to send to a channel (`name/account`) for a chat. After `go` and `probe`, `done` or `probed` must follow. */
  enter(channel: string, chatId: ChatId): Permit {
    const circuit = this.#circuit(channel)
    const now = this.#ports.clock.now()
    if (circuit.state === 'open') {
      const waitMs = circuit.probing ? QUEUE_WAIT_MS : circuit.probeAt - now
      if (waitMs > 0) {
        circuit.waiting.add(chatId)
        return { waitMs }
      }
      circuit.probing = true
      circuit.waiting.delete(chatId)
      return 'probe'
    }
    if (circuit.inFlight >= circuit.limit) {
      circuit.waiting.add(chatId)
      return { waitMs: QUEUE_WAIT_MS }
    }
    circuit.waiting.delete(chatId)
    circuit.inFlight += 1
    return 'go'
  }

  /** Whether the channel is known not to answer. */
  isOpen(channel: string): boolean {
    return this.#circuits.get(channel)?.state === 'open'
  }

  /** A send after `go` or after `probe` has ended. */
  done(channel: string, permit: 'go' | 'probe', outcome: SendOutcome): void {
    const circuit = this.#circuit(channel)
    if (permit === 'probe') {
      this.probed(channel, outcome !== 'silent')
      return
    }
    circuit.inFlight -= 1
    if (outcome === 'silent') this.#silent(channel, circuit)
    else this.#answered(channel, circuit, outcome)
    this.#release(circuit)
  }

  /** What a probe without a message found. */
  probed(channel: string, answers: boolean): void {
    const circuit = this.#circuit(channel)
    circuit.probing = false
    if (answers) {
      circuit.state = 'ramp'
      circuit.limit = 1
      this.#release(circuit)
    } else this.#open(channel, circuit)
  }

  #answered(channel: string, circuit: Circuit, outcome: SendOutcome): void {
    circuit.failures = 0
    if (circuit.state !== 'ramp' || outcome === 'slow-down') return
    circuit.limit += 1
    // Nobody was turned away that still waits: the backlog is gone.
    if (circuit.limit >= MAX_AT_ONCE || circuit.waiting.size === 0) this.#close(channel, circuit)
  }

  #close(channel: string, circuit: Circuit): void {
    circuit.state = 'closed'
    circuit.limit = MAX_AT_ONCE
    circuit.probes = 0
    circuit.upAt = this.#ports.clock.now()
    if (circuit.since !== null) this.#ports.up(channel, circuit.since)
  }

  #silent(channel: string, circuit: Circuit): void {
    circuit.failures += 1
    if (circuit.state === 'open') return
    if (circuit.state === 'ramp' || circuit.failures >= OPEN_AFTER) this.#open(channel, circuit)
  }

  #open(channel: string, circuit: Circuit): void {
    const now = this.#ports.clock.now()
    if (circuit.state === 'closed') this.#begin(circuit, now)
    circuit.state = 'open'
    circuit.failures = 0
    // The first look is at once: a channel with a probe of its own tells a bad message from a dead platform.
    circuit.probeAt = now + backoffMs(circuit.probes, PROBE_WAITS, this.#ports.random)
    circuit.probes += 1
    if (circuit.told || circuit.since === null || now - circuit.since < TELL_AFTER_MS) return
    circuit.told = true
    this.#ports.down(channel, circuit.since)
  }

  #begin(circuit: Circuit, now: UnixMs): void {
    if (circuit.since !== null && circuit.upAt !== null && now - circuit.upAt < SAME_OUTAGE_MS) return
    circuit.since = now
    circuit.told = false
  }

  #release(circuit: Circuit): void {
    if (circuit.state === 'open') return
    let room = circuit.limit - circuit.inFlight
    for (const chatId of circuit.waiting) {
      if (room <= 0) return
      room -= 1
      circuit.waiting.delete(chatId)
      this.#ports.nudge(chatId)
    }
  }

  #circuit(channel: string): Circuit {
    let circuit = this.#circuits.get(channel)
    if (!circuit) {
      circuit = {
        ...{
          failures: 0,
          inFlight: 0,
          state: 'closed',
          limit: MAX_AT_ONCE,
          probing: false,
          probes: 0,
          probeAt: 0,
        },
        ...{ since: null, upAt: null, told: false, waiting: new Set() },
      }
      this.#circuits.set(channel, circuit)
    }
    return circuit
  }
}
