import { expect } from 'vitest'
import { SqliteAgentRequests } from '../../src/adapters/sqlite/agent-request-store.ts'
import { Agents } from '../../src/agents/agents.ts'
import { GroupConfig } from '../../src/config/schema.ts'
import { Notices } from '../../src/delivery/notices.ts'
import type { AgentRequest } from '../../src/domain/agent-request.ts'
import { ConfigError } from '../../src/domain/errors.ts'
import type { GroupName, InboundId } from '../../src/domain/ids.ts'
import type { InboundRow } from '../../src/domain/ports/stores.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { FakeMailbox } from '../fakes/fake-mailbox.ts'
import { ALICE, HostTables, OWNER, silentLog } from './host-tables.ts'

export const LEAD = 'lead' as GroupName
export const SCOUT = 'scout' as GroupName
export const WRITER = 'writer' as GroupName
export const HOME = { channel: 'fake', account: 'main', chat: 'home' }

interface Given {
  readonly id: InboundId
  readonly seq: number
  readonly session: string
  readonly row: InboundRow
}

/** Agents that ask each other, on real tables: what they would do in their sandboxes is done by hand. */
export class AgentsWorld extends HostTables {
  readonly requests = new SqliteAgentRequests(this.db)
  readonly channel = new FakeChannel()
  readonly mailbox = new FakeMailbox(this.clock)
  readonly nudged: GroupName[] = []
  readonly settings: Record<string, object> = {
    lead: { agents: { scout: {}, writer: { about: 'writes' } } },
    scout: { agents: { lead: { hear: 'anyone' }, writer: {} } },
    writer: { agents: { lead: { hear: 'anyone' }, scout: { hear: 'anyone' } } },
  }
  readonly bounds = { requests: 20, hops: 4, perHour: 120 }
  readonly notices = new Notices({
    ...{ deliveries: this.deliveries, directory: this.directory, roles: this.roles, clock: this.clock },
    ...{
      channelOf: () => this.channel,
      nudge: () => undefined,
      homeOf: (chat) => this.requests.homeOf(chat),
    },
  })
  readonly agents = new Agents(
    {
      ...{
        requests: this.requests,
        roles: this.roles,
        people: this.people,
        inbound: this.inbound,
        directory: this.directory,
      },
      ...{ mailbox: this.mailbox, notices: this.notices, events: this.events, bounds: this.bounds },
      groups: {
        exists: (group) => this.settings[group] !== undefined,
        load: (group) => {
          const read = GroupConfig.safeParse(this.settings[group])
          if (!read.success) throw new ConfigError(group, ['broken'])
          return read.data
        },
      },
      nudge: (group) => void this.nudged.push(group),
    },
    {
      ...{ clock: this.clock, log: silentLog, random: () => 0.5, pollMs: 1_000 },
      backoff: { baseMs: 1, maxMs: 2 },
    },
  )
  #seq = 0
  #calls = 0

  constructor() {
    super()
    this.bind(this.room(), LEAD)
    this.roles.grant(OWNER, 'owner', null, this.clock.now())
    this.give(LEAD, 'I own this', {
      ...{ sender: { id: OWNER, name: 'Olga', isBot: false }, address: HOME, chatKind: 'private' },
    })
    this.take(LEAD)
    this.settle(LEAD, 1)
  }

  /** A person says it to the lead, who begins to work on it. */
  said(text: string): Given {
    this.give(LEAD, text, {}, 'chat:1')
    return this.take(LEAD)
  }

  /** The next message of an agent goes into its inbox, as the dispatcher puts it there. */
  take(group: GroupName): Given {
    const [next] = this.dispatches.pending(group, 1)
    if (!next) throw new Error(`nothing waits for ${group}`)
    this.#seq += 1
    const row = this.inbound.find(next.inboundId)
    if (!row) throw new Error('no such message')
    this.dispatches.placed(group, [{ inboundId: next.inboundId, inboxSeq: this.#seq, told: [] }])
    return { id: next.inboundId, seq: this.#seq, session: next.session, row }
  }

  /** In a turn an agent calls send_to_agent. */
  ask(
    group: GroupName,
    turn: Given,
    to: string,
    message = 'do it',
    more: { fresh?: boolean; key?: string } = {},
  ): AgentRequest {
    this.#calls += 1
    const { senderId, senderName } = turn.row
    return this.agents.ask(
      {
        ...{
          group,
          session: turn.session,
          inboundId: turn.id,
          key: more.key ?? `${group}:${turn.seq}:${this.#calls}`,
        },
        ...{ speaker: senderId, speakerName: senderName, speakers: [senderId] },
      },
      { to, message, fresh: more.fresh ?? false },
    )
  }

  /** The turn ends with these words. */
  ends(
    group: GroupName,
    { seq }: Given,
    text: string,
    outcome: 'done' | 'failed' | 'cancelled' = 'done',
  ): void {
    const answers = text === '' ? [] : [{ inboxSeq: seq, text }]
    const cursor = this.outboxes.cursor(group) + 1
    const settled = [{ inboxSeq: seq, outcome, reason: outcome === 'done' ? null : 'it was so' }]
    this.outboxes.record(
      group,
      { cursor, accepted: [], deliveries: [], settled, rejected: 0, answers },
      this.clock.now(),
    )
  }

  /** All that is to be told now is told. */
  async work(): Promise<void> {
    this.agents.start()
    this.agents.nudge()
    await expect.poll(() => this.requests.withWork((this.clock.now() - 3_600_000) as never)).toEqual([])
  }

  /** What waits for an agent. */
  waitingFor(group: GroupName): string[] {
    return this.dispatches.pending(group, 50).map(({ inboundId }) => this.inbound.find(inboundId)?.text ?? '')
  }

  /** What the owner was told. */
  toOwner(): string[] {
    return this.outgoing()
      .filter(({ key }) => key.includes(':owner:'))
      .map(({ part }) => part)
  }

  allow(user = ALICE, group = SCOUT): void {
    this.roles.grant(user, 'member', group, this.clock.now())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agents.stop()
    this[Symbol.dispose]()
  }
}
