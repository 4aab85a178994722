import type { OutboxAsk, OutboxCall, OutboxEntry, OutboxSend } from '@creel/protocol'
import type { Approvals } from '../approvals/approvals.ts'
import type { Calls } from '../calls/calls.ts'
import { failedWithout, renderParts } from '../delivery/notices.ts'
import type { ProgressBoard, Shown } from '../delivery/progress-board.ts'
import type { NewApproval } from '../domain/approval.ts'
import { CreelError } from '../domain/errors.ts'
import type { NewHostCall } from '../domain/host-call.ts'
import type { ChatId, GroupName } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FileStore } from '../domain/ports/files.ts'
import type { Mailbox, OutboxItem, OutboxReader } from '../domain/ports/mailbox.ts'
import type {
  DeliveryStore,
  DirectoryStore,
  DispatchStore,
  InboundRow,
  NewDelivery,
  OutboxProgressRecord,
  OutboxStore,
} from '../domain/ports/stores.ts'
import type { NewUsage } from '../domain/ports/usage.ts'
import type { Events } from '../events.ts'
import type { StepResult } from '../pump.ts'
import type { GroupProblems } from '../sandboxes/group-problems.ts'
import { mayReply, type Verdict } from './authorise.ts'
import { type CollectedFile, fileParts, isFile, takeFile, upToFile } from './collected-file.ts'
import { sendElsewhere } from './send-elsewhere.ts'

export interface CollectorPorts {
  readonly reader: OutboxReader
  readonly outboxes: OutboxStore
  readonly dispatches: DispatchStore
  readonly deliveries: Pick<DeliveryStore, 'queuedOf' | 'sentElsewhere'>
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly mailbox: Mailbox
  readonly files: Pick<FileStore, 'collect'>
  readonly maxFileBytes: number
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly events: Events
  readonly clock: Clock
  readonly problems: GroupProblems
  readonly board: Pick<ProgressBoard, 'show'>
  readonly approvals: Pick<Approvals, 'plan' | 'nudge'>
  readonly calls: Pick<Calls, 'plan' | 'nudge'>
  /** Wakes the delivery of these chats and lets the supervisor look. */
  readonly nudge: (group: GroupName, chats: ReadonlySet<ChatId>) => void
}

const BATCH = 200
const BUSY_WAIT_MS = 3
/** With this many unsent parts a group's outbox is left alone until the chats have caught up (I13). */
const MAX_QUEUED = 500
const FULL_WAIT_MS = 500
/** Every so many entries both logs are trimmed. */
const PRUNE_EVERY = 256

/**
 * Step of the collector pump: takes what a group's runner wrote, as hostile input, into the host's tables. Cursor
 * and everything that follows from the entries are one transaction, so nothing is taken twice or left out.
 */
export async function collect(group: GroupName, ports: CollectorPorts): Promise<StepResult> {
  const { outboxes, deliveries, reader, clock } = ports
  if (deliveries.queuedOf(group) > MAX_QUEUED) return { waitMs: FULL_WAIT_MS }
  const before = outboxes.cursor(group)
  const batch = await reader.read(group, before, BATCH)
  switch (batch.kind) {
    case 'busy':
      return { waitMs: BUSY_WAIT_MS }
    case 'unfinished':
      // A killed runner's half-done commit. The message it was for is unsettled, so the supervisor starts the
      // group anyway, and its runner rolls back.
      return 'idle'
    case 'rejected': {
      const problem = `its outbox is not what a runner writes: ${batch.reason}`
      ports.problems.report(group, 'outbox', problem)
      throw new CreelError('invalid', problem)
    }
    case 'entries': {
      ports.problems.well(group, 'outbox')
      if (batch.items.length === 0) return 'idle'
      const items = upToFile(batch.items)
      const taken = new Batch(group, ports)
      await taken.takeFile(items[0])
      for (const item of items) taken.add(item)
      outboxes.record(group, taken.record(), clock.now())
      taken.showProgress()
      if (taken.asked) ports.approvals.nudge()
      if (taken.called) ports.calls.nudge(group)
      ports.nudge(group, taken.chats)
      const manyTaken = Math.floor(before / PRUNE_EVERY) !== Math.floor(taken.cursor / PRUNE_EVERY)
      // A file that was taken need not stay in the sandbox.
      if (manyTaken || items.some(isFile)) await trim(group, ports)
      return batch.more || items.length < batch.items.length ? 'again' : 'idle'
    }
  }
}

/**
 * First the inbox, then the word to the runner: a settlement is never forgotten before its message. What the dispatcher
 * is putting there right now has a later position than all that it has noted.
 */
async function trim(group: GroupName, ports: CollectorPorts): Promise<void> {
  const { dispatches, mailbox, outboxes, clock } = ports
  const cursor = outboxes.cursor(group)
  const open = dispatches.open(group).map((d) => d.inboxSeq)
  const newest = dispatches.newestPlaced(group)
  const entry = { key: `acked:${cursor}`, entry: { type: 'acked', outboxSeq: cursor } } as const
  const [acked = 0] = await mailbox.putAll(group, [entry], clock.now())
  await mailbox.prune(group, Math.min(acked, newest), open)
}

/** Turns the entries of one read into one record. */
class Batch {
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
  readonly #shows: (() => void)[] = []
  #rejected = 0
  /** That of the first item. */
  #file: CollectedFile | null = null
  cursor = 0

  constructor(group: GroupName, ports: CollectorPorts) {
    this.#group = group
    this.#ports = ports
  }

  /** Brings the file of an item into the host's store; an item that is none, or may not be sent, is left alone. */
  async takeFile(item: OutboxItem | undefined): Promise<void> {
    if (item === undefined || !isFile(item)) return
    const origin = this.#ports.dispatches.inboundOf(this.#group, item.entry.inboxSeq)
    if (!this.#mayReply(origin).allowed) return
    const { files, maxFileBytes } = this.#ports
    this.#file = await takeFile(this.#group, item.entry, files, maxFileBytes)
    if ('refused' in this.#file) this.#reject(item.seq, this.#file.refused)
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
    }
  }

  get asked(): boolean {
    return this.#asks.length > 0
  }

  get called(): boolean {
    return this.#calls.length > 0
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
        if (entry.to === undefined) this.#reply(seq, entry.inboxSeq, origin, entry.text)
        else this.#sendTo(seq, { ...entry, to: entry.to }, origin)
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

  #reply(seq: number, inboxSeq: number, origin: InboundRow | null, text: string): void {
    this.#say(seq, inboxSeq, origin, (channel) => renderParts(channel, text))
  }

  #say(
    seq: number,
    inboxSeq: number,
    origin: InboundRow | null,
    render: (channel: Channel | undefined) => readonly string[],
    file?: string,
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
        ...(file === undefined ? {} : { file }),
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
    const hash = taken && 'file' in taken ? taken.file.sha256 : undefined
    this.#say(seq, inboxSeq, origin, (channel) => (taken ? fileParts(taken, channel) : []), hash)
  }

  /** After the record: what is shown must not be ahead of what is known. */
  #show(inboxSeq: number, origin: InboundRow | null, shown: Shown | null): void {
    if (!origin || !this.#mayReply(origin).allowed) return
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
