import type { Channel } from './domain/ports/channel.ts'

/** The channels of this install, by name and account. */
export interface Channels {
  readonly all: readonly Channel[]
  readonly find: (channel: string, account: string) => Channel | undefined
  /** Opens what must be open before people are told where to go. Throws CreelError. */
  listen(): Promise<void>
  close(): Promise<void>
  /** Remembers that a channel gave up, for `./creel status`. */
  failed(channel: string, account: string, reason: string): void
  problems(): readonly { name: string; account: string; problem: string | null }[]
}

/** Collects channels into a table. `listen` and `close` belong to those that have something to open. */
export function channelTable(
  all: readonly Channel[],
  life: { listen: () => Promise<void>; close: () => Promise<void> },
): Channels {
  const byKey = new Map(all.map((channel) => [`${channel.name}/${channel.account}`, channel]))
  const failures = new Map<string, string>()
  return {
    all,
    find: (channel, account) => byKey.get(`${channel}/${account}`),
    ...life,
    failed: (channel, account, reason) => void failures.set(`${channel}/${account}`, reason),
    problems: () =>
      all.map(({ name, account }) => ({
        name,
        account,
        problem: failures.get(`${name}/${account}`) ?? null,
      })),
  }
}
