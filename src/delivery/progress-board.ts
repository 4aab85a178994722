import { elapsedText } from '../domain/elapsed-text.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { ChatAddress } from '../domain/message.ts'
import type { NoteRow } from '../domain/ports/progress-notes.ts'
import type { DirectoryStore, DispatchStore, InboundRow } from '../domain/ports/stores.ts'
import type { Log } from '../log.ts'
import { mayReply } from '../mail/authorise.ts'
import { Pump, type StepResult } from '../pump.ts'
import { type NotePorts, ProgressNote } from './progress-note.ts'

export interface ProgressPorts extends NotePorts {
  readonly dispatches: Pick<DispatchStore, 'open' | 'groupsWithOpen' | 'inboundOf'>
  readonly directory: Pick<DirectoryStore, 'bindings'>
  /** Turns shorter than this get no message; 0 = none does. */
  readonly afterMs: number
  /** Whether the group's sandbox is at work. */
  readonly isAwake: (group: GroupName) => boolean
  readonly log: Log
  readonly random: () => number
}

/** What a turn shows: the draft of its answer, and the tool that it uses. */
export interface Shown {
  readonly text: string
  readonly activity?: string | undefined
}

interface Entry {
  readonly group: GroupName
  readonly chatId: ChatId
  readonly to: ChatAddress
  note: ProgressNote
  /** Positions in the inbox of the messages that are being worked on. */
  readonly running: Set<number>
  /** Only who spoke to the agent is told how it goes: others may not even know that it listens. */
  addressed: boolean
  since: UnixMs
  shown: Shown
  /** When the channel was told last; null when it shows nothing. */
  renewedAt: UnixMs | null
  /** Since when its sandbox is not seen at work. */
  asleepSince: UnixMs | null
}

/** Channels forget an indicator that is not renewed. */
const RENEW_MS = 5_000
/** A sandbox is not seen at once after a start of the host, and one that died may be back in a moment. */
const DOWN_MS = 3_000
/** Its pump is nudged when a turn begins or ends. */
const POLL_MS = 5_000
const BACKOFF = { baseMs: 1_000, maxMs: 60_000 }
const STOP_MS = 500
/** What cannot be taken away in this time is left to the next start. */
const CLEAR_MS = 2_000
/** What is on the board at once; the rest goes unshown (I13). */
const MAX_ENTRIES = 1_000
const MAX_ACTIVITY = 40

/**
 * Who works where right now, and how that is shown: the channel's own indicator at once, one "Working …" message
 * after a while. In memory; what stands in a chat is on record, and is taken away after a crash.
 */
export class ProgressBoard {
  readonly #ports: ProgressPorts
  readonly #entries = new Map<string, Entry>()
  readonly #leftovers = new Map<string, ProgressNote>()
  readonly #pump: Pump<string>

  constructor(ports: ProgressPorts) {
    this.#ports = ports
    const { clock, log, random } = ports
    this.#pump = new Pump<string>({
      ...{ name: 'progress', clock, log, random, pollMs: POLL_MS, backoff: BACKOFF, maxConcurrent: 32 },
      keys: () => [...this.#entries.keys(), ...this.#leftovers.keys()],
      step: (key, signal) => this.#step(key, signal),
    })
  }

  /** Takes up the turns that went on without us, and what an earlier host left standing. */
  start(): void {
    this.#resume()
    this.#pump.start()
  }

  /** Takes away what stands. Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(STOP_MS)
    const notes = [...this.#entries.values()].map(({ note }) => note)
    const limit = AbortSignal.timeout(CLEAR_MS)
    await Promise.all([...notes, ...this.#leftovers.values()].map((note) => note.remove(limit)))
  }

  #resume(): void {
    const { notes, dispatches, directory } = this.#ports
    for (const group of dispatches.groupsWithOpen()) {
      for (const { inboxSeq, acceptedAt } of dispatches.open(group)) {
        const origin = acceptedAt === null ? null : dispatches.inboundOf(group, inboxSeq)
        if (!origin || !mayReply(group, origin, directory.bindings(origin.chatId)).allowed) continue
        this.show(group, inboxSeq, origin, { text: '' }, acceptedAt ?? undefined)
      }
    }
    for (const row of notes.all()) this.#takeOver(row)
  }

  /** A turn that goes on keeps its message; others are taken away. */
  #takeOver({ id, address, platformMessageId }: NoteRow): void {
    if (platformMessageId === null) {
      this.#ports.notes.gone(id)
      return
    }
    const note = new ProgressNote(address, this.#ports, { row: id, id: platformMessageId })
    const place = placeOf(address)
    const entry = [...this.#entries.values()].find(
      ({ to, note: own, addressed }) => addressed && !own.stands && placeOf(to) === place,
    )
    if (entry) entry.note = note
    else this.#leftovers.set(`note:${id}`, note)
  }

  /** A turn shows something new; null when it has ended. Never throws. */
  show(group: GroupName, inboxSeq: number, origin: InboundRow, shown: Shown | null, since?: UnixMs): void {
    const key = `${group}:${origin.chatId}:${origin.address.thread ?? ''}`
    const entry = this.#entries.get(key)
    if (shown === null) {
      entry?.running.delete(inboxSeq)
      if (entry && entry.running.size > 0) return
      if (entry) this.#hide(entry)
      this.#pump.nudge(key)
      return
    }
    const known = entry ?? this.#add(key, group, origin, since)
    if (!known) return
    if (known.running.size === 0) this.#begin(known, since)
    known.running.add(inboxSeq)
    known.addressed ||= origin.chatKind === 'private' || origin.mentionsUs
    known.shown = shown
    this.#renew(known)
    if (!entry) this.#pump.nudge(key)
  }

  /** The tool that a group uses in a chat now. */
  doing(group: GroupName, chatId: ChatId): string | null {
    for (const entry of this.#entries.values()) {
      if (entry.group === group && entry.chatId === chatId && entry.running.size > 0) {
        const activity = plainActivity(entry.shown.activity)
        if (activity !== '') return activity
      }
    }
    return null
  }

  async #step(key: string, signal: AbortSignal): Promise<StepResult> {
    const leftover = this.#leftovers.get(key)
    if (leftover) return await this.#clearAway(key, leftover, signal)
    const entry = this.#entries.get(key)
    if (!entry) return 'idle'
    this.#dropSettled(entry)
    const { afterMs, clock, isAwake } = this.#ports
    if (isAwake(entry.group)) entry.asleepSince = null
    else entry.asleepSince ??= clock.now()
    const down = entry.asleepSince !== null && clock.now() - entry.asleepSince >= DOWN_MS
    if (entry.running.size === 0 || down) return await this.#rest(key, entry, signal)
    if (entry.asleepSince !== null) return { waitMs: DOWN_MS }
    if (clock.now() - (entry.renewedAt ?? 0) >= RENEW_MS) this.#renew(entry)
    if (afterMs === 0 || !entry.addressed) return { waitMs: RENEW_MS }
    const elapsed = clock.now() - entry.since
    if (elapsed < afterMs) {
      // Of the turn before, when its removal had to wait.
      await entry.note.remove(signal)
      return { waitMs: Math.min(afterMs - elapsed, RENEW_MS) }
    }
    await entry.note.show(noteText(elapsed, entry.shown.activity), editEveryMs(elapsed), signal)
    // Looked at again at once when the turn ended meanwhile.
    return entry.running.size === 0 ? 'again' : { waitMs: RENEW_MS }
  }

  #add(key: string, group: GroupName, origin: InboundRow, since?: UnixMs): Entry | null {
    if (this.#entries.size >= MAX_ENTRIES) return null
    const entry: Entry = {
      ...{ group, chatId: origin.chatId, to: origin.address },
      note: new ProgressNote(origin.address, this.#ports),
      running: new Set(),
      addressed: false,
      since: since ?? this.#ports.clock.now(),
      shown: { text: '' },
      renewedAt: null,
      asleepSince: null,
    }
    this.#entries.set(key, entry)
    return entry
  }

  #begin(entry: Entry, since?: UnixMs): void {
    entry.since = since ?? this.#ports.clock.now()
    entry.addressed = false
  }

  /** Nothing is done here now. The entry goes when its message has gone. */
  async #rest(key: string, entry: Entry, signal: AbortSignal): Promise<StepResult> {
    this.#hide(entry)
    await entry.note.remove(signal)
    if (entry.note.stands) return { waitMs: Math.max(entry.note.wait, 1_000) }
    if (entry.running.size > 0) return { waitMs: RENEW_MS }
    this.#entries.delete(key)
    return 'idle'
  }

  async #clearAway(key: string, note: ProgressNote, signal: AbortSignal): Promise<StepResult> {
    await note.remove(signal)
    if (note.stands) return { waitMs: Math.max(note.wait, 1_000) }
    this.#leftovers.delete(key)
    return 'idle'
  }

  /** However a message was settled, its turn is over. */
  #dropSettled(entry: Entry): void {
    const open = new Set(this.#ports.dispatches.open(entry.group).map(({ inboxSeq }) => inboxSeq))
    for (const inboxSeq of entry.running) if (!open.has(inboxSeq)) entry.running.delete(inboxSeq)
  }

  #renew(entry: Entry): void {
    const { group, to, since, shown } = entry
    const { text, activity } = shown
    entry.renewedAt = this.#ports.clock.now()
    this.#channel(to)?.showProgress(to, { group, text, since, ...(activity ? { activity } : {}) })
  }

  #hide(entry: Entry): void {
    if (entry.renewedAt === null) return
    entry.renewedAt = null
    this.#channel(entry.to)?.showProgress(entry.to, null)
  }

  #channel(to: ChatAddress) {
    return this.#ports.channelOf(to.channel, to.account)
  }
}

function placeOf({ channel, account, chat, thread }: ChatAddress): string {
  return JSON.stringify([channel, account, chat, thread ?? ''])
}

/** `Working … 45 s · Bash`. Never what the agent wrote: only the time, and the plain name of a tool. */
function noteText(elapsedMs: number, activity: string | undefined): string {
  const name = plainActivity(activity)
  return `Working … ${elapsedText(elapsedMs)}${name === '' ? '' : ` · ${name}`}`
}

/** Letters and digits alone: a sandbox names its tools itself, and platforms make links and mentions of other signs. */
export function plainActivity(activity: string | undefined): string {
  const plain = (activity ?? '').replace(/[^\p{L}\p{N}_-]+/gu, ' ').trim()
  return plain.length > MAX_ACTIVITY ? `${plain.slice(0, MAX_ACTIVITY)}…` : plain
}

/** Groups on Telegram take 20 messages a minute, and answers need room among them. */
function editEveryMs(elapsedMs: number): number {
  if (elapsedMs < 60_000) return 5_000
  return elapsedMs < 600_000 ? 15_000 : 60_000
}
