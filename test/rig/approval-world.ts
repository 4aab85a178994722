import { join } from 'node:path'
import type { OutboxAsk } from '@creel/protocol'
import { expect } from 'vitest'
import { GroupRegistry } from '../../src/adapters/groups/group-registry.ts'
import { DiskSkillDrafts } from '../../src/adapters/skills/skill-drafts.ts'
import { SqliteEgressRules } from '../../src/adapters/sqlite/egress-rule-store.ts'
import { SqliteToolServers } from '../../src/adapters/sqlite/tool-server-store.ts'
import { agentKind } from '../../src/approvals/agent-kind.ts'
import { carryOutNext } from '../../src/approvals/carry-out.ts'
import { Decisions } from '../../src/approvals/decisions.ts'
import { egressKind } from '../../src/approvals/egress-kind.ts'
import { mcpServerKind } from '../../src/approvals/mcp-server-kind.ts'
import { packagesKind } from '../../src/approvals/packages-kind.ts'
import { type PlannedAsk, planAsk } from '../../src/approvals/plan-ask.ts'
import { questionKind } from '../../src/approvals/question-kind.ts'
import { skillKind } from '../../src/approvals/skill-kind.ts'
import { Notices } from '../../src/delivery/notices.ts'
import type { Approval, NewApproval } from '../../src/domain/approval.ts'
import type { ChatId, GroupName, UnixMs, UserId } from '../../src/domain/ids.ts'
import type { InboundMessage } from '../../src/domain/message.ts'
import type { PackageList } from '../../src/domain/packages.ts'
import type { NewDelivery } from '../../src/domain/ports/stores.ts'
import type { PackageProgress } from '../../src/packages/package-images.ts'
import { Paths } from '../../src/paths.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { GARDEN, HostTables, OWNER } from './host-tables.ts'

const { signal } = new AbortController()

export const HOME = { channel: 'fake', account: 'main', chat: 'home' }
export const ROOM = { address: { ...HOME, chat: 'room' }, chatKind: 'group' as const }

/** Everything about approvals on real tables, and hands to ask and decide. */
export class ApprovalWorld extends HostTables {
  readonly channel = new FakeChannel({ cards: true })
  readonly rules = new SqliteEgressRules(this.db)
  readonly groups = { exists: (group: GroupName) => !this.gone.has(group) }
  readonly gone = new Set<GroupName>()
  readonly agentPaths = new Paths(join(this.folder, 'data'), join(this.folder, 'groups'))
  readonly registry = new GroupRegistry(this.agentPaths)
  readonly made: string[] = []
  readonly servers = new SqliteToolServers(this.db)
  /** How far the packages are that were asked for. */
  progress: PackageProgress = { state: 'ready', image: 'creel-packages:0' }
  /** What was to be built, and since when a failure counts. */
  readonly wished: { readonly packages: PackageList; readonly since: UnixMs }[] = []
  readonly begun: number[] = []
  readonly drafts = new DiskSkillDrafts(this.agentPaths)
  readonly kinds = {
    egress: egressKind({ rules: this.rules, groups: this.groups, clock: this.clock }),
    question: questionKind,
    agent: agentKind({ groups: this.registry, made: () => void this.made.push('made') }),
    skill: skillKind({ drafts: this.drafts, groups: this.registry }),
    mcp_server: mcpServerKind({ servers: this.servers, groups: this.registry, clock: this.clock }),
    packages: packagesKind({
      groups: this.registry,
      images: {
        progress: async ({ packages }, since) => {
          this.wished.push({ packages, since })
          return this.progress
        },
      },
      begun: ({ id }) => void this.begun.push(id),
    }),
  }
  readonly channelOf = () => this.channel
  readonly notices = new Notices({
    ...{ deliveries: this.deliveries, directory: this.directory, roles: this.roles, clock: this.clock },
    ...{ channelOf: this.channelOf, nudge: () => undefined },
  })
  readonly decisions = new Decisions({ ...this, nudge: () => undefined })
  readonly toldTo: string[] = []
  /** Whether its sandbox is there no more, or a new one. */
  renewed = true
  readonly isRenewed = async () => this.renewed
  #seq = 0

  constructor() {
    super()
    this.bind(this.room(), GARDEN)
    this.place(GARDEN, 1)
    this.roles.grant(OWNER, 'owner', null, this.clock.now())
    this.receive('I own this', {
      sender: { id: OWNER, name: 'Olga', isBot: false },
      address: HOME,
      chatKind: 'private',
    })
  }

  /** What an agent wrote, taken as the collector does. */
  ask(ask: Partial<OutboxAsk['ask']> | string = {}, inboxSeq = 1, group: GroupName = GARDEN): PlannedAsk {
    const body = typeof ask === 'string' ? { host: ask } : ask
    const full =
      body.kind !== undefined && body.kind !== 'egress'
        ? body
        : { kind: 'egress', host: 'api.example.com', port: 443, reason: 'why', ...body }
    const entry = { type: 'ask', inboxSeq, key: 'k', ask: full } as OutboxAsk
    const origin = this.dispatches.inboundOf(group, inboxSeq)
    if (!origin) return { refused: 'the collector knows no such message' }
    this.#seq += 1
    const planned = planAsk(group, this.#seq, entry, origin, [], this)
    if (typeof planned !== 'string' && 'approval' in planned)
      this.#record(planned.approval, planned.deliveries, group)
    return planned
  }

  #record(approval: NewApproval, deliveries: readonly NewDelivery[], group: GroupName): void {
    const nothing = { accepted: [], settled: [], rejected: 0 }
    this.outboxes.record(
      group,
      { ...nothing, cursor: this.#seq, deliveries, asks: [approval] },
      this.clock.now(),
    )
  }

  newest(): Approval {
    const [approval] = this.approvals.list(1, false)
    if (!approval) throw new Error('nothing was asked')
    return approval
  }

  /** Sends what waits, as delivery does. */
  async deliver(): Promise<void> {
    for (const chat of this.deliveries.chatsWithQueued()) {
      for (let row = this.deliveries.next(chat); row; row = this.deliveries.next(chat)) {
        this.deliveries.sending(row.id)
        const id = await this.channel.send(row.address, row.part, row.key, signal)
        this.deliveries.sent(row.id, 'accepted', id, this.clock.now())
      }
    }
  }

  /** Somebody says or presses something; returns whether it was taken as a decision. */
  says(text: string, by: UserId = OWNER, part: Partial<InboundMessage> = {}): boolean {
    const row = this.receive(text, {
      sender: { id: by, name: by, isBot: false },
      address: HOME,
      chatKind: 'private',
      ...part,
    })
    const facts = this.directory.bindings(row.chatId).map((binding) => ({
      ...{ binding, roles: this.roles.roles(by, binding.group), stickyOpen: false, patternMatches: false },
    }))
    return this.decisions.take(row, facts)
  }

  /** All that is to be done now, as the pump does it. */
  async work(): Promise<void> {
    const nudge = ({ group }: Approval) => void this.toldTo.push(group)
    for (const id of this.approvals.withWork(this.clock.now())) {
      while ((await carryOutNext(id, { ...this, nudge }, signal)) === 'again')
        expect(this.toldTo.length).toBeLessThan(100)
    }
  }

  /** Words of the host that wait for an agent. */
  words(group: GroupName = GARDEN): string[] {
    return this.dispatches.pending(group, 50).map(({ inboundId }) => this.inbound.find(inboundId)?.text ?? '')
  }

  allowed(): string[] {
    return this.rules
      .inForce(GARDEN, this.clock.now())
      .map(({ rule, once }) => `${rule.host}:${rule.ports}${once ? ' once' : ''}`)
  }

  said(chat: ChatId): string[] {
    return this.db
      .prepare<[number], { part: string }>('SELECT part FROM delivery WHERE chat_id = ? ORDER BY id')
      .all(chat)
      .map(({ part }) => part)
  }

  /** The words of the button that allows the newest ask. */
  approve(choice = ''): string {
    return `/approve ${this.newest().code} ${choice}`.trim()
  }
}
