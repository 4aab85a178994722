import type { Channels } from '../channels.ts'
import type { Notices } from '../delivery/notices.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { WaitingStore } from '../domain/ports/waiting.ts'
import type { Log } from '../log.ts'
import { ArrivalWatch } from './catch-up.ts'
import { type IntakePorts, runIntake } from './intake.ts'

export interface IntakesPorts extends Omit<IntakePorts, 'gaveUp' | 'arrivals'> {
  readonly waiting: Pick<WaitingStore, 'lastOf'>
  readonly channels: Channels
  readonly notices: Notices
  readonly log: Log
}

/** All channels receiving, each by itself. */
export class Intakes {
  readonly #ports: IntakesPorts
  readonly #running: Promise<void>[] = []
  readonly #receiving = new AbortController()

  constructor(ports: IntakesPorts) {
    this.#ports = ports
  }

  /** To be called once. */
  start(): void {
    const gaveUp: IntakePorts['gaveUp'] = (channel, reason, error) => this.#gaveUp(channel, reason, error)
    const { waiting } = this.#ports
    const arrivals = new ArrivalWatch((channel, account) => waiting.lastOf(channel, account))
    for (const channel of this.#ports.channels.all) {
      this.#running.push(runIntake(channel, { ...this.#ports, arrivals, gaveUp }, this.#receiving.signal))
    }
  }

  /** Takes nothing new; what is being taken is still kept. Idempotent. */
  async stop(): Promise<void> {
    this.#receiving.abort(new Error('the host is stopping'))
    await Promise.allSettled(this.#running)
  }

  #gaveUp({ name, account }: Channel, reason: string, error: unknown): void {
    const { channels, clock, log, notices } = this.#ports
    channels.failed(name, account, reason)
    log.error({ event: 'channel.failed', channel: name, account, err: error }, 'channel stopped')
    const text = `The channel **${name}/${account}** stopped: ${reason}`
    notices.toOwner(text, `channel:${name}/${account}:${clock.now()}`)
  }
}
