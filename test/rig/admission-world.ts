import { expect } from 'vitest'
import { InstallConfig } from '../../src/config/schema.ts'
import { Notices } from '../../src/delivery/notices.ts'
import type { SenderPolicy } from '../../src/domain/binding.ts'
import type { ChatId, GroupName, UserId } from '../../src/domain/ids.ts'
import type { InboundMessage } from '../../src/domain/message.ts'
import { Admission } from '../../src/routing/admission.ts'
import { Bounds } from '../../src/routing/bounds.ts'
import { routeNext } from '../../src/routing/routing.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { NO_DECISIONS } from '../fakes/no-approvals.ts'
import { commandPorts } from './command-ports.ts'
import { GARDEN, HostTables, OWNER } from './host-tables.ts'

export const home = { channel: 'fake', account: 'main', chat: 'home' }
export const owner = { id: OWNER, name: 'Olga', isBot: false }
export const mallory = { id: 'fake:mallory' as UserId, name: 'Olga', isBot: false }

/** Router and admission on real tables; the owner has talked to us in private. */
export class AdmissionWorld extends HostTables {
  readonly channel = new FakeChannel()
  readonly nudged: GroupName[] = []
  readonly stopped: GroupName[] = []
  readonly notices: Notices
  readonly admission: Admission
  readonly bounds: Bounds
  unknownChats: SenderPolicy = 'ask'
  defaultGroup: GroupName | null = GARDEN

  constructor() {
    super()
    const { deliveries, directory, roles, pairings, inbound, clock } = this
    const channelOf = () => this.channel
    const nudge = () => undefined
    this.notices = new Notices({ deliveries, directory, roles, channelOf, clock, nudge })
    const notices = this.notices
    const defaultGroup = () => this.defaultGroup
    this.admission = new Admission({
      inbound,
      directory,
      roles,
      pairings,
      notices,
      clock,
      defaultGroup,
      nudge,
    })
    const { waiting } = this
    this.bounds = new Bounds({ waiting, roles, notices }, InstallConfig.parse({}))
    this.roles.grant(OWNER, 'owner', null, clock.now())
    this.bind(this.room('home'), GARDEN)
    this.ownerSays('hello')
  }

  /** Everything that waits is routed. */
  route(): void {
    const { inbound, waiting, attachments, directory, roles, admission, bounds, events, clock } = this
    const ports = {
      ...{ inbound, waiting, attachments, directory, roles, admission, bounds, events, clock },
      unknownChats: this.unknownChats,
      defaultGroup: () => this.defaultGroup,
      notices: this.notices,
      decisions: NO_DECISIONS,
      commands: commandPorts(this, { stopTurns: (group) => this.stopped.push(group) }),
      nudge: (group: GroupName) => void this.nudged.push(group),
    }
    for (const chat of inbound.chatsWithNew()) {
      while (routeNext(chat, ports) === 'again') expect(inbound.held().length).toBeLessThan(300)
    }
  }

  says(text: string, part: Partial<InboundMessage> = {}): ChatId {
    const row = this.receive(text, { mentionsUs: true, ...part })
    this.route()
    return row.chatId
  }

  ownerSays(text: string): void {
    this.says(text, { sender: owner, address: home, chatKind: 'private' })
  }

  /** Texts that wait for a group, in order. */
  given(group = GARDEN): string[] {
    return this.dispatches
      .pending(group, 100)
      .flatMap(({ inboundId }) => this.inbound.find(inboundId)?.text ?? [])
  }

  told(chat: string): string[] {
    return this.db
      .prepare<[string], { part: string }>(
        'SELECT d.part FROM delivery d JOIN chat c ON c.id = d.chat_id WHERE c.chat = ? ORDER BY d.id',
      )
      .all(chat)
      .map((row) => row.part)
  }

  fate(text: string): { state: string; reason: string | null } | undefined {
    return this.db
      .prepare<[string], { state: string; reason: string | null }>(
        'SELECT state, reason FROM inbound WHERE text = ?',
      )
      .get(text)
  }
}
