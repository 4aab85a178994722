import type { Core } from '../../src/core.ts'
import type { Mailbox } from '../../src/domain/ports/mailbox.ts'
import type { OutboxProgressRecord } from '../../src/domain/ports/stores.ts'
import type { CrashPoint, HostStep, RunnerStep } from './crash-points.ts'

/** What a mutation may break. */
export interface MutableParts {
  readonly core: Core
  readonly mailbox: Mailbox
}

export interface Mutation {
  readonly name: string
  /** Part of the complaint by which the oracle is to find it. */
  readonly caughtBy: RegExp
  /** Where something must die for it to show. */
  readonly points: readonly CrashPoint<HostStep | RunnerStep>[]
  /** It shows only where what comes in is bounded. */
  readonly bounded?: boolean
  readonly breakIt: (parts: MutableParts) => void
}

const LATER_MS = 30

/** The steps of a store as plain functions that can be replaced. */
function methods<T extends object>(target: T): Record<string, (...args: never[]) => unknown> {
  return target as unknown as Record<string, (...args: never[]) => unknown>
}

/** Deliberately broken hosts: the harness must find each of them, or it could not find anything. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'commit-after-ack',
    caughtBy: /lost/,
    points: ['before inbound.record', 'after inbound.routed'],
    breakIt: ({ core }) => {
      const record = core.inbound.record.bind(core.inbound)
      core.inbound.record = (message, at) => {
        setTimeout(() => record(message, at), LATER_MS)
        return 'new'
      }
    },
  },
  {
    name: 'cursor-too-early',
    caughtBy: /lost|not settled/,
    points: ['after outboxes.record', 'before outboxes.record'],
    breakIt: ({ core }) => {
      const record = core.outboxes.record.bind(core.outboxes)
      core.outboxes.record = (group, batch, at) => {
        const nothing = { accepted: [], deliveries: [], settled: [], rejected: 0 }
        record(group, { ...batch, ...nothing }, at)
        setTimeout(() => record(group, batch, at), LATER_MS)
      }
    },
  },
  {
    name: 'deliveries-outside',
    caughtBy: /lost/,
    points: ['after outboxes.record', 'before outboxes.record'],
    breakIt: ({ core }) => {
      const record = core.outboxes.record.bind(core.outboxes)
      core.outboxes.record = (group, batch: OutboxProgressRecord, at) => {
        record(group, { ...batch, deliveries: [] }, at)
        setTimeout(() => record(group, batch, at), LATER_MS)
      }
    },
  },
  {
    name: 'sent-before-sending',
    caughtBy: /lost/,
    points: ['before telegram.send', 'before sure.send'],
    breakIt: ({ core }) => {
      const { deliveries } = core
      const sending = deliveries.sending.bind(deliveries)
      methods(deliveries).sending = ((id: Parameters<typeof sending>[0]) => {
        sending(id)
        deliveries.sent(id, 'accepted', 'not yet', Date.now() as never)
      }) as never
    },
  },
  {
    name: 'no-mark-before-sending',
    caughtBy: /twice without being marked/,
    points: ['after telegram.send'],
    breakIt: ({ core }) => {
      methods(core.deliveries).sending = (() => undefined) as never
    },
  },
  {
    name: 'no-dedupe',
    caughtBy: /twice|doubled/,
    points: ['after inbound.record'],
    breakIt: ({ core }) => {
      let copies = 0
      const record = core.inbound.record.bind(core.inbound)
      core.inbound.record = (message, at) => {
        const known = record(message, at)
        if (known === 'new') return known
        return record(
          { ...message, platformMessageId: `${message.platformMessageId}-${process.pid}-${++copies}` },
          at,
        )
      }
    },
  },
  {
    name: 'inbox-without-keys',
    caughtBy: /twice|doubled/,
    points: ['after mailbox.put'],
    breakIt: ({ mailbox }) => {
      let calls = 0
      const put = mailbox.put.bind(mailbox)
      methods(mailbox).put = ((...[group, key, entry, at]: Parameters<Mailbox['put']>) =>
        put(group, `${key}:${process.pid}:${++calls}`, entry, at)) as never
      const putAll = mailbox.putAll.bind(mailbox)
      methods(mailbox).putAll = ((...[group, items, at]: Parameters<Mailbox['putAll']>) =>
        putAll(
          group,
          items.map((item) => ({ ...item, key: `${item.key}:${process.pid}:${++calls}` })),
          at,
        )) as never
    },
  },
  {
    name: 'summary-uncounted',
    caughtBy: /given as one with a message that does not know/,
    ...{ points: ['after waiting.summarised'], bounded: true },
    breakIt: ({ core }) => {
      const summarised = core.waiting.summarised.bind(core.waiting)
      core.waiting.summarised = (group, summary, at) => summarised(group, { ...summary, count: 1 }, at)
    },
  },
  {
    name: 'refused-untold',
    caughtBy: /lost/,
    ...{ points: ['after waiting.summarised'], bounded: true },
    breakIt: ({ core }) => {
      const add = core.deliveries.add.bind(core.deliveries)
      core.deliveries.add = (deliveries, at) =>
        add(
          deliveries.filter(({ key }) => !key.startsWith('notice:full:full:')),
          at,
        )
    },
  },
  { name: 'settle-outside', caughtBy: /lost/, points: ['before outbox.settled'], breakIt: () => undefined },
]
