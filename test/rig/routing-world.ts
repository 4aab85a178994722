import { InstallConfig } from '../../src/config/schema.ts'
import { Notices } from '../../src/delivery/notices.ts'
import type { ChatId, GroupName, InboundId } from '../../src/domain/ids.ts'
import type { InboundMessage } from '../../src/domain/message.ts'
import { dispatchNext } from '../../src/mail/dispatcher.ts'
import type { StepResult } from '../../src/pump.ts'
import { Admission } from '../../src/routing/admission.ts'
import { Bounds } from '../../src/routing/bounds.ts'
import { ArrivalWatch } from '../../src/routing/catch-up.ts'
import { routeNext } from '../../src/routing/routing.ts'
import { stopTurns } from '../../src/routing/stop-turns.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { FakeMailbox } from '../fakes/fake-mailbox.ts'
import { NO_DECISIONS } from '../fakes/no-approvals.ts'
import { commandPorts } from './command-ports.ts'
import { GARDEN, HostTables } from './host-tables.ts'

/** What became of a message: its text, and how its dispatch stands. */
export interface Fate {
  readonly text: string
  readonly state: string
  readonly aside: string | null
  readonly outcome: string | null
  readonly bundle: number | null
}

/** From the channel to the inbox of a group, on real tables: intake's clock, router, bounds, dispatcher. */
export class RoutingWorld extends HostTables {
  readonly channel = new FakeChannel()
  readonly mailbox = new FakeMailbox(this.clock)
  readonly config: InstallConfig
  readonly notices: Notices
  readonly admission: Admission
  bounds: Bounds
  arrivals: ArrivalWatch

  constructor(config: { limits?: object; chats?: object } = {}) {
    super()
    this.config = InstallConfig.parse(config)
    const { deliveries, directory, roles, pairings, inbound, clock } = this
    const nothing = () => undefined
    const channelOf = () => this.channel
    this.notices = new Notices({ deliveries, directory, roles, clock, channelOf, nudge: nothing })
    const { notices } = this
    this.admission = new Admission({
      ...{ inbound, directory, roles, pairings, notices, clock, nudge: nothing },
      defaultGroup: () => null,
    })
    this.bounds = this.#newBounds()
    this.arrivals = this.#newWatch()
  }

  /** The host forgets what it does not keep in tables. */
  restart(): void {
    this.bounds = this.#newBounds()
    this.arrivals = this.#newWatch()
  }

  /** Comes in as a channel hands it over; `lateMs` after it was said. */
  comes(text: string, part: Partial<InboundMessage> = {}, lateMs = 0): ChatId {
    const now = this.clock.now()
    const sentAt = (now - lateMs) as InboundMessage['sentAt']
    const late = this.arrivals.lateMs('fake', 'main', { sentAt, receivedAt: now })
    const row = this.receive(text, { sentAt, ...(late > 0 ? { lateMs: late } : {}), ...part })
    return row.chatId
  }

  step(chat: ChatId): StepResult {
    const { inbound, waiting, attachments, directory, roles, admission, bounds, events, clock, notices } =
      this
    return routeNext(chat, {
      ...{ inbound, waiting, attachments, directory, roles, admission, bounds, events, clock, notices },
      unknownChats: 'ask',
      decisions: NO_DECISIONS,
      defaultGroup: () => null,
      commands: commandPorts(this, {
        stopTurns: (group, chatId) =>
          stopTurns(group, chatId, {
            ...{ dispatches: this.dispatches, clock },
            nudge: () => undefined,
          }),
      }),
      nudge: () => undefined,
    })
  }

  /** Routes until nothing can be done at once; the last word of the step of each chat. */
  route(): readonly StepResult[] {
    return this.inbound.chatsWithNew().map((chat) => {
      let result = this.step(chat)
      while (result === 'again') result = this.step(chat)
      return result
    })
  }

  /** Puts what waits into the inbox of the group. */
  dispatch(group: GroupName = GARDEN): Promise<StepResult> | StepResult {
    const { inbound, waiting, dispatches, deliveries, attachments, mailbox, directory, events, clock } = this
    return dispatchNext(group, {
      ...{ inbound, waiting, dispatches, deliveries, attachments, mailbox, directory, events, clock },
      ...{ choices: this.choices, notices: this.notices, roles: this.roles, tasks: this.tasks },
      commits: this.commits,
      files: { path: () => null },
      groupFiles: { give: () => true },
      budget: () => ({ room: Number.POSITIVE_INFINITY }),
      contextMessages: 50,
      queueBound: this.config.chats.queue_bound,
      nudge: () => undefined,
    })
  }

  /** The runner is done with the oldest so many messages of the inbox. */
  settleOldest(count: number, group: GroupName = GARDEN): void {
    for (const { inboxSeq } of this.dispatches.open(group, count)) this.settle(group, inboxSeq)
  }

  mail(group: GroupName = GARDEN) {
    return this.mailbox.rows(group).flatMap(({ entry }) => (entry.type === 'message' ? [entry] : []))
  }

  fates(): Fate[] {
    return this.db
      .prepare<[], Fate>(
        `SELECT i.text, i.state, d.aside, d.outcome, d.bundle FROM inbound i
         LEFT JOIN dispatch d ON d.inbound_id = i.id ORDER BY i.id`,
      )
      .all()
  }

  /** How many messages ended like this. */
  count(part: Partial<Fate>): number {
    const wanted = Object.entries(part)
    return this.fates().filter((fate) => wanted.every(([key, value]) => fate[key as keyof Fate] === value))
      .length
  }

  /** What the host said in chats. */
  said(): string[] {
    return this.outgoing().map(({ part }) => part)
  }

  idOf(text: string): InboundId {
    const row = this.db.prepare<[string], { id: number }>('SELECT id FROM inbound WHERE text = ?').get(text)
    return (row?.id ?? 0) as InboundId
  }

  #newBounds(): Bounds {
    const { waiting, roles, notices } = this
    return new Bounds({ waiting, roles, notices }, this.config)
  }

  #newWatch(): ArrivalWatch {
    return new ArrivalWatch((channel, account) => this.waiting.lastOf(channel, account))
  }
}
