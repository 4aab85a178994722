import type { ChatId } from '../domain/ids.ts'
import { Pump, type PumpOptions } from '../pump.ts'
import { ChannelBreaker } from './channel-breaker.ts'
import { type DeliveryPorts, deliverNext } from './delivery.ts'
import { DeliveryFailures, outageText } from './delivery-failures.ts'
import type { Notices } from './notices.ts'

/** More than one channel may take at once: a slow platform leaves the others lanes of their own. */
const LANES = 64
const REPORT_POLL_MS = 30_000

/** Everything between the delivery table and the channels: the pump, the breaker, and who is told when it fails. */
export class Outgoing {
  readonly breaker: ChannelBreaker
  readonly #deliver: Pump<ChatId>
  readonly #report: Pump<string>

  constructor(
    ports: Omit<DeliveryPorts, 'breaker' | 'onFailed'> & { readonly notices: Notices },
    pump: Pick<PumpOptions<string>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
  ) {
    const { deliveries, events, clock, random, notices } = ports
    this.breaker = new ChannelBreaker({
      ...{ clock, random },
      nudge: (chatId) => this.nudge(chatId),
      down: (channel, since) => {
        events.channelDown(channel, since)
        notices.toOwner(outageText(channel, since), `channel-down:${channel}:${since}`, channel)
      },
      up: (channel, since) => events.channelUp(channel, clock.now() - since),
    })
    const { breaker } = this
    const failures = new DeliveryFailures({ deliveries, notices, clock })
    this.#deliver = new Pump<ChatId>({
      ...{ ...pump, name: 'delivery', maxConcurrent: LANES },
      keys: () => deliveries.chatsWithQueued(),
      step: (chatId, signal) =>
        deliverNext(chatId, { ...ports, breaker, onFailed: () => this.#report.nudge('failures') }, signal),
    })
    this.#report = new Pump<string>({
      ...{ ...pump, name: 'failures', maxConcurrent: 1, pollMs: REPORT_POLL_MS },
      keys: () => ['failures'],
      step: () => failures.step(),
    })
  }

  start(): void {
    this.#deliver.start()
    this.#report.start()
  }

  /** There may be something to send to this chat. */
  nudge(chatId: ChatId): void {
    this.#deliver.nudge(chatId)
  }

  /** Takes nothing new and gives what is being sent `graceMs`. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    await this.#report.stop(0)
    await this.#deliver.stop(graceMs)
  }
}
