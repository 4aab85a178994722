import {
  type InboxMessage,
  MAX_CALL_ARGS,
  messageHandle,
  type OutboxAsk,
  type OutboxSend,
  type RunnerSettings,
  type Speaker,
  type TurnInput,
} from '@creel/protocol'
import type { Clock } from '../clock.ts'
import type { CallEnd, HostCalls } from '../host-calls.ts'
import type { MemorySource } from '../memory/memory-entry.ts'
import type { Outbox, OutboxCommits } from '../outbox-commits.ts'
import type { FileToSend, OutgoingFiles } from '../outgoing-files.ts'
import type { TurnRecord } from '../turn-record.ts'

/** Messages that tools may send in one turn. */
export const MAX_SENDS = 20
/** Asks that tools may make in one turn; the host has bounds of its own. */
export const MAX_ASKS = 3
/** Calls of the host that tools may make in one turn. */
export const MAX_CALLS = 60

/** A try at a turn, as the turn runner begins it. */
export interface DeskTurn {
  readonly seq: number
  readonly message: InboxMessage
  readonly input: TurnInput
  /** Messages that have joined the turn since, too. */
  readonly joined: () => readonly InboxMessage[]
  readonly record: TurnRecord
  readonly signal: AbortSignal
}

/** What became of a message, and what it is called when it is to be changed. */
export interface Sent {
  readonly result: SendResult
  readonly handle: string
}

export type SendResult = 'sent' | 'sent-before' | 'too-many' | 'over' | 'failed'
export type AskResult = SendResult
export type CallResult = CallEnd | { readonly kind: 'over' | 'too-many' | 'too-large' }

export interface ToolDeskParts {
  readonly settings: RunnerSettings
  readonly outbox: Pick<Outbox, 'sent'>
  readonly commits: Pick<OutboxCommits, 'commit'>
  readonly files: Pick<OutgoingFiles, 'keep' | 'release'>
  readonly calls: Pick<HostCalls, 'call'>
  readonly clock: Clock
}

/** Knows the turns that run, for the tools that are called in them. */
export class ToolDesk {
  readonly #parts: ToolDeskParts
  readonly #open = new Map<string, OpenTurn>()
  /** Tool servers of the group that did not start, with why. */
  readonly down = new Map<string, string>()

  constructor(parts: ToolDeskParts) {
    this.#parts = parts
  }

  get settings(): RunnerSettings {
    return this.#parts.settings
  }

  /** Sessions with a running turn. */
  sessions(): IterableIterator<string> {
    return this.#open.keys()
  }

  turnOf(session: string): OpenTurn | undefined {
    return this.#open.get(session)
  }

  /** Opens a try at a turn; tools called in its session are its own until the returned function is called. */
  begin(turn: DeskTurn): () => void {
    const { session } = turn.input
    const open = new OpenTurn(turn, this.#parts)
    this.#open.set(session, open)
    return () => {
      open.end()
      if (this.#open.get(session) === open) this.#open.delete(session)
    }
  }
}

/** A running try at a turn and what its tools do. */
export class OpenTurn {
  readonly turn: DeskTurn
  readonly begunAt: number
  readonly #parts: ToolDeskParts
  /** How often each message was sent in this try: the same text twice is meant twice. */
  readonly #said = new Map<string, number>()
  /** Lines that were noted in this try. */
  readonly notes = { made: 0 }
  #sends = 0
  #asks = 0
  #calls = 0
  #over = false

  constructor(turn: DeskTurn, parts: ToolDeskParts) {
    this.turn = turn
    this.#parts = parts
    this.begunAt = parts.clock.now()
  }

  get over(): boolean {
    return this.#over || this.turn.signal.aborted
  }

  /** Messages that may still be sent. */
  get sendsLeft(): number {
    return MAX_SENDS - this.#sends
  }

  end(): void {
    this.#over = true
  }

  /** Whose words the turn has: what it notes down comes from them. */
  source(): MemorySource {
    const { message, joined } = this.turn
    const all = [message, ...joined()].flatMap(({ from, context }) => [
      from,
      ...context.map((one) => one.from),
    ])
    const heard = new Map(
      all.filter(({ id }) => id !== message.from.id).map((one): [string, Speaker] => [one.id, one]),
    )
    const { from, role, chat } = message
    return { from, role, chat, heard: [...heard.values()], at: this.#parts.clock.now() }
  }

  /**
   * Sends a message at once. A turn whose runner is killed is begun again, so what a try has sent is looked up by what
   * it says: the same message again is the one that was sent before.
   */
  async send(text: string, to?: string): Promise<Sent> {
    const { outbox, commits } = this.#parts
    const { seq, record, signal } = this.turn
    const not = (result: SendResult) => ({ result, handle: '' })
    if (this.over) return not('over')
    if (this.#sends >= MAX_SENDS) return not('too-many')
    this.#sends += 1
    const key = this.#keyOf([to ?? null, text])
    const entry: OutboxSend = {
      type: 'send',
      inboxSeq: seq,
      key,
      text,
      ...(to === undefined ? {} : { to }),
    }
    const before = outbox.sent(seq).has(key)
    if (!before && !(await commits.commit([entry], signal))) return not('failed')
    record.sent(entry)
    return { result: before ? 'sent-before' : 'sent', handle: messageHandle(seq, key) }
  }

  /** The chat was shown this by a call of the host: the turn has said something, and the transcript tells of it. */
  shown(text: string): void {
    const { seq, record } = this.turn
    record.sent({ type: 'send', inboxSeq: seq, key: `shown:${fingerprint(text)}`, text })
  }

  /** Asks people for something, at once; told apart from other asks like a message. */
  async ask(ask: OutboxAsk['ask']): Promise<AskResult> {
    const { outbox, commits } = this.#parts
    const { seq, signal } = this.turn
    if (this.over) return 'over'
    if (this.#asks >= MAX_ASKS) return 'too-many'
    this.#asks += 1
    const key = this.#keyOf(['ask', ask])
    if (outbox.sent(seq).has(key)) return 'sent-before'
    return (await commits.commit([{ type: 'ask', inboxSeq: seq, key, ask }], signal)) ? 'sent' : 'failed'
  }

  /**
   * Asks the host for something and waits for its answer. Made once, however often the turn is begun again: the same call
   * then has the answer of the first time. Waits for `HOST_CALL_MS` at most.
   */
  async call(name: string, args: unknown): Promise<CallResult> {
    const { seq, signal } = this.turn
    if (this.over) return { kind: 'over' }
    const json = JSON.stringify(args)
    if (json.length > MAX_CALL_ARGS) return { kind: 'too-large' }
    if (this.#calls >= MAX_CALLS) return { kind: 'too-many' }
    this.#calls += 1
    const id = this.#keyOf(['call', name, args])
    return this.#parts.calls.call({ type: 'call', inboxSeq: seq, id, name, args: json }, signal)
  }

  /** The same in each try that does the same. */
  #keyOf(what: unknown): string {
    const print = fingerprint(what)
    const count = (this.#said.get(print) ?? 0) + 1
    this.#said.set(print, count)
    return `${print}:${count}`
  }

  /**
   * Copies a file that goes out with the turn's answer, in its transaction: a turn that is begun again sends it once.
   * Throws FileNotSent with words for the agent.
   */
  async sendFile(file: FileToSend): Promise<Exclude<SendResult, 'failed'>> {
    const { files } = this.#parts
    const { record } = this.turn
    if (this.over) return 'over'
    if (!record.hasRoomForFile) return 'too-many'
    const kept = await files.keep(file)
    const known = record.files.some((one) => one.file.file === kept.file && one.file.name === kept.name)
    if (!known && !this.over && record.hasRoomForFile) {
      record.addFile(kept)
      return 'sent'
    }
    files.release(kept.file)
    if (known) return 'sent-before'
    return this.over ? 'over' : 'too-many'
  }
}

function fingerprint(what: unknown): string {
  // Loaded on first use, not at the start of every runner.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 24)
}
