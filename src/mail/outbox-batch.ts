import {
  messageHandle,
  type OutboxAsk,
  type OutboxCall,
  type OutboxEntry,
  type OutboxSend,
} from '@creel/protocol'
import { failedWithout, renderParts } from '../delivery/notices.ts'
import type { Shown } from '../delivery/progress-board.ts'
import { isAgentChat } from '../domain/agent-request.ts'
import type { NewApproval } from '../domain/approval.ts'
import type { NewHostCall } from '../domain/host-call.ts'
import type { ChatId, GroupName } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { OutboxItem } from '../domain/ports/mailbox.ts'
import type { InboundRow, NewDelivery, OutboxProgressRecord } from '../domain/ports/stores.ts'
import type { NewUsage } from '../domain/ports/usage.ts'
import { mayReply, type Verdict } from './authorise.ts'
import { type CollectedFile, fileParts, isFile, takeFile, unsentFile } from './collected-file.ts'
import type { CollectorPorts } from './collector-ports.ts'
import { longTextParts, mayBeLong, type StoredText, storeLongText } from './long-text.ts'
import { sendElsewhere } from './send-elsewhere.ts'

/** Turns the entries of one read into one record. */
export class OutboxBatch {
  readonly chats = new Set<ChatId>()
  readonly #group: GroupName
  readonly #ports: CollectorPorts
  readonly #deliveries: NewDelivery[] = []
  readonly #accepted: { inboxSeq: number; attempt: number | null }[] = []
  readonly #settled: { inboxSeq: number; outcome: 'done' | 'failed' | 'cancelled'; reason: string | null }[] =
    []
  readonly #usage: NewUsage[] = []
  readonly #asks: NewApproval[] = []
  readonly #calls: NewHostCall[] = []
  readonly #answers: { readonly inboxSeq: number; readonly text: string }[] = []
  readonly #shows: (() => void)[] = []
  #rejected = 0
  /** That of the first item. */
  #file: CollectedFile | null = null
  #long: { readonly seq: number; readonly stored: StoredText } | null = null
  cursor = 0

  constructor(group: GroupName, ports: CollectorPorts) {
    this.#group = group
    this.#ports = ports
  }

  /**
   * Brings the file of an item into the host's store, or a text that is too long for its chat; an item that is neither,
   * or may not be sent, is left alone.
   */
  async takeFile(item: OutboxItem | undefined): Promise<void> {
    if (item !== undefined && mayBeLong(item)) await this.#takeLong(item)
    if (item === undefined || !isFile(item)) return
    const origin = this.#ports.dispatches.inboundOf(this.#group, item.entry.inboxSeq)
    if (!this.#mayReply(origin).allowed) return
    const { files, maxFileBytes } = this.#ports
    this.#file = await takeFile(this.#group, item.entry, files, maxFileBytes)
    if ('refused' in this.#file) this.#reject(item.seq, this.#file.refused)
  }

  async #takeLong({ seq, entry }: { seq: number; entry: OutboxEntry & { text: string } }): Promise<void> {
    const origin = this.#ports.dispatches.inboundOf(this.#group, entry.inboxSeq)
    if (!origin || isAgentChat(origin.address) || !this.#mayReply(origin).allowed) return
    if (entry.type === 'send' && entry.to !== undefined) return
    const { channel: name, account } = origin.address
    const stored = await storeLongText(entry.text, this.#ports.channelOf(name, account), this.#ports.files)
    if (stored) this.#long = { seq, stored }
  }

  add(item: OutboxItem): void {
    this.cursor = item.seq
    if ('rejected' in item) this.#reject(item.seq, item.rejected)
    else this.#take(item.seq, item.entry)
  }

  record(): OutboxProgressRecord {
    return {
      cursor: this.cursor,
      accepted: this.#accepted,
      deliveries: this.#deliveries,
      settled: this.#settled,
      rejected: this.#rejected,
      usage: this.#usage,
      asks: this.#asks,
      calls: this.#calls,
      answers: this.#answers,
    }
  }

  get asked(): boolean {
    return this.#asks.length > 0
  }

  get called(): boolean {
    return this.#calls.length > 0
  }

  get settledAny(): boolean {
    return this.#settled.length > 0
  }

  showProgress(): void {
    for (const show of this.#shows) show()
  }

  #take(seq: number, entry: OutboxEntry): void {
    const origin = this.#ports.dispatches.inboundOf(this.#group, entry.inboxSeq)
    const { events } = this.#ports
    switch (entry.type) {
      case 'accepted':
        this.#accepted.push(entry)
        events.turnAccepted(this.#group, entry.inboxSeq, entry.attempt)
        this.#show(entry.inboxSeq, origin, { text: '' })
        return
      case 'progress':
        this.#show(entry.inboxSeq, origin, entry)
        return
      case 'reply':
        this.#reply(seq, entry.inboxSeq, origin, entry.text)
        return
      case 'send':
        this.#send(seq, entry, origin)
        return
      case 'ask':
        this.#ask(seq, entry, origin)
        return
      case 'call':
        this.#call(seq, entry)
        return
      case 'settled':
        this.#settled.push({ ...entry, reason: entry.reason ?? null })
        events.turnSettled(this.#group, entry.inboxSeq, entry.outcome, entry.reason ?? null)
        this.#show(entry.inboxSeq, origin, null)
        return
      case 'file':
        this.#sayFile(seq, entry.inboxSeq, origin)
        return
      case 'usage':
        this.#usage.push({
          ...entry,
          outboxSeq: seq,
          cacheReadTokens: entry.cacheReadTokens ?? 0,
          cacheWriteTokens: entry.cacheWriteTokens ?? 0,
          costUsd: entry.costUsd ?? null,
        })
        return
      case 'returned':
        this.#accepted.push({ inboxSeq: entry.inboxSeq, attempt: null })
        this.#show(entry.inboxSeq, origin, null)
        return
    }
  }

  #send(seq: number, entry: OutboxSend, origin: InboundRow | null): void {
    const { inboxSeq, key, to, text } = entry
    if (to !== undefined) this.#sendTo(seq, { ...entry, to }, origin)
    else this.#reply(seq, inboxSeq, origin, text, { handle: messageHandle(inboxSeq, key) })
  }

  #reply(
    seq: number,
    inboxSeq: number,
    origin: InboundRow | null,
    text: string,
    more: Pick<NewDelivery, 'handle'> = {},
  ): void {
    if (origin && isAgentChat(origin.address)) {
      this.#answers.push({ inboxSeq, text })
      return
    }
    if (this.#long?.seq === seq) {
      const { stored } = this.#long
      const parts = (channel: Channel | undefined) =>
        channel ? longTextParts(stored, channel) : renderParts(channel, text)
      this.#say(seq, inboxSeq, origin, parts, { file: stored.file.sha256 })
    } else this.#say(seq, inboxSeq, origin, (channel) => renderParts(channel, text), more)
  }

  #say(
    seq: number,
    inboxSeq: number,
    origin: InboundRow | null,
    render: (channel: Channel | undefined) => readonly string[],
    more: Pick<NewDelivery, 'file' | 'handle'> = {},
  ): void {
    const verdict = this.#mayReply(origin)
    if (!verdict.allowed || !origin) {
      this.#reject(seq, verdict.allowed ? 'no origin' : verdict.reason)
      return
    }
    const { channel: name, account, thread } = origin.address
    const channel = this.#ports.channelOf(name, account)
    render(channel).forEach((part, index) => {
      this.#deliveries.push({
        chatId: origin.chatId,
        thread,
        part,
        key: `${this.#group}:${seq}:${index}`,
        group: this.#group,
        inboxSeq,
        ...more,
        ...failedWithout(channel, name, account),
      })
    })
    this.chats.add(origin.chatId)
  }

  /** Into another chat, when it is one of the group's own. */
  #sendTo(seq: number, entry: OutboxSend & { readonly to: string }, origin: InboundRow | null): void {
    const sent = sendElsewhere(this.#group, seq, entry, this.#mayReply(origin), this.#deliveries, this.#ports)
    if ('refused' in sent) {
      this.#reject(seq, sent.refused)
      return
    }
    this.#deliveries.push(...sent.deliveries)
    this.chats.add(sent.chatId)
  }

  #ask(seq: number, entry: OutboxAsk, origin: InboundRow | null): void {
    const verdict = this.#mayReply(origin)
    if (!verdict.allowed || !origin) {
      this.#reject(seq, verdict.allowed ? 'no origin' : verdict.reason)
      return
    }
    const planned = this.#ports.approvals.plan(this.#group, seq, entry, origin, this.#asks)
    if (planned === 'same') return
    if ('refused' in planned) {
      this.#reject(seq, planned.refused)
      return
    }
    this.#asks.push(planned.approval)
    this.#deliveries.push(...planned.deliveries)
    this.chats.add(planned.chatId)
    this.#ports.events.approvalAsked(this.#group, entry.ask.kind, seq)
  }

  /** The message may have been settled in this very batch: whose turn is over has nothing more to ask. */
  #call(seq: number, entry: OutboxCall): void {
    const isOver = this.#settled.some(({ inboxSeq }) => inboxSeq === entry.inboxSeq)
    const planned = isOver
      ? { rejected: 'a call for a message that is settled' }
      : this.#ports.calls.plan(this.#group, entry, this.#calls.length)
    if ('rejected' in planned) this.#reject(seq, planned.rejected)
    else this.#calls.push(planned)
  }

  #sayFile(seq: number, inboxSeq: number, origin: InboundRow | null): void {
    const taken = this.#file
    if (origin && isAgentChat(origin.address)) {
      this.#answers.push({ inboxSeq, text: unsentFile(taken) })
      return
    }
    const hash = taken && 'file' in taken ? taken.file.sha256 : undefined
    const more = hash === undefined ? {} : { file: hash }
    this.#say(seq, inboxSeq, origin, (channel) => (taken ? fileParts(taken, channel) : []), more)
  }

  /** After the record: what is shown must not be ahead of what is known. */
  #show(inboxSeq: number, origin: InboundRow | null, shown: Shown | null): void {
    if (!origin || isAgentChat(origin.address) || !this.#mayReply(origin).allowed) return
    this.#shows.push(() => this.#ports.board.show(this.#group, inboxSeq, origin, shown))
  }

  #mayReply(origin: InboundRow | null): Verdict {
    return mayReply(this.#group, origin, origin ? this.#ports.directory.bindings(origin.chatId) : [])
  }

  #reject(seq: number, reason: string): void {
    this.#rejected += 1
    this.#ports.events.outboxRejected(this.#group, seq, reason)
  }
}
