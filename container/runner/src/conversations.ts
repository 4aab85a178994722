import type { InboxMessage, OutboxEntry, TurnAttachment } from '@creel/protocol'
import type { Clock } from './clock.ts'
import type { EventLog } from './log.ts'
import { MEMORY_INDEX, type MemoryFiles } from './memory/memory-files.ts'
import { type MemoryPrimer, memoryPrimer, memoryText, NO_MEMORY } from './memory/memory-primer.ts'
import { cutOffText, GO_ON, MEANWHILE, NO_PRIMER, type Primer, primerOf } from './priming.ts'
import { promptOf } from './prompt.ts'
import { FRESH_START, PRIMED_START, TOO_LONG_START } from './reply-text.ts'
import type { SessionTokens } from './session-tokens.ts'
import type { Transcript } from './transcript.ts'
import { entryKey } from './transcript-entry.ts'
import { attachmentsOf } from './turn-attachments.ts'
import type { TurnEnd, TurnRecord } from './turn-record.ts'

/** Characters of the transcript that a fresh session is given; less when the one before was still too long. */
const PRIMER_BUDGETS = [24_000, 4_000, 0] as const

export interface ConversationsParts {
  readonly provider: string
  /** Whether a session of the runtime stays with the model it was begun with. */
  readonly oneModel: boolean
  readonly tokens: SessionTokens
  readonly transcript: Transcript
  readonly memory: Pick<MemoryFiles, 'indexText'>
  /** The memory folder as the agent sees it. */
  readonly memoryPath: string
  /** `in/files`. */
  readonly filesIn: string
  readonly clock: Clock
  readonly log: EventLog
}

/** A message that is being answered. */
export interface Asked {
  readonly seq: number
  readonly session: string
  readonly message: InboxMessage
  /** Model of its turn; undefined for the runtime's own choice. */
  readonly model: string | undefined
}

/**
 * What goes on between two turns of a session. The runtime's own session is a cache of it, our transcript is the truth:
 * a turn resumes the one only when it is this provider's and has heard everything, and else begins a fresh one that is
 * given the transcript.
 */
export class Conversations {
  readonly #parts: ConversationsParts

  constructor(parts: ConversationsParts) {
    this.#parts = parts
  }

  /** To be called once for each turn, before it; turns of one session never overlap. Never throws. */
  open(asked: Asked): Conversation {
    return new Conversation(asked, this.#parts)
  }
}

/** One turn's share in its session: how to begin it, how to begin it once more, and what is kept of it. */
export class Conversation {
  readonly #asked: Asked
  readonly #parts: ConversationsParts
  readonly #steered: InboxMessage[] = []
  #resumeToken: string | undefined
  #primer: Primer = NO_PRIMER
  #cutOff = ''
  #memory: MemoryPrimer = NO_MEMORY
  /** Which state of the memory the runtime's session was given; undefined when none, or it may have lost it. */
  #givenMemory: string | undefined
  /** The runtime's session has the message already. */
  #goesOn = false
  /** Index of the next primer to try. */
  #nextBudget = 0
  /** What the person was told of it. */
  #note: string | undefined

  constructor(asked: Asked, parts: ConversationsParts) {
    this.#asked = asked
    this.#parts = parts
    this.#memory =
      asked.message.command === undefined
        ? memoryPrimer(parts.memory, `${parts.memoryPath}/${MEMORY_INDEX}`)
        : NO_MEMORY
    this.#resumeToken = this.#remembered()
    if (this.#resumeToken === undefined) this.#takePrimer()
  }

  get model(): string | undefined {
    return this.#asked.model
  }

  /** The runtime's session to go on with; undefined for a fresh one. */
  get resumeToken(): string | undefined {
    return this.#resumeToken
  }

  /** What the model is to be given now: also what was said to the turn since it began. */
  get prompt(): string {
    const messages = this.#messages.map((message) => promptOf(message, this.#parts.filesIn))
    if (this.#goesOn) return [GO_ON, ...(messages.length > 0 ? [MEANWHILE] : []), ...messages].join('\n\n')
    const known = this.#resumeToken === undefined ? undefined : this.#givenMemory
    return [memoryText(this.#memory, known), this.#primer.text, this.#cutOff, ...messages]
      .filter((part) => part !== '')
      .join('\n\n')
  }

  /** Files of all that was said. */
  get attachments(): TurnAttachment[] {
    return this.#messages.flatMap((message) => attachmentsOf(message, this.#parts.filesIn))
  }

  get #messages(): readonly InboxMessage[] {
    // What was said since may not have reached a session that was cut off.
    return this.#goesOn ? this.#steered : [this.#asked.message, ...this.#steered]
  }

  /** Another message was given to the running turn. */
  steered(message: InboxMessage): void {
    this.#steered.push(message)
  }

  /**
   * Whether the turn is to be tried again on a fresh session, because the runtime has lost this one or it is too long
   * for the model. Then `record` is ready for it, `prompt` and `resumeToken` are others, and the person will be told,
   * once. False when another try cannot help. Tries get smaller, so there are only a few.
   */
  beginsAgain(end: TurnEnd, record: TurnRecord): boolean {
    if (end.kind !== 'failed') return false
    const resumed = this.#resumeToken !== undefined
    const before = this.#primer.text
    const tooLong = end.reason === 'context-overflow'
    if (!tooLong && !(end.reason === 'resume-lost' && resumed)) return false
    const sent = record.sends.map(({ text }) => text)
    const said = [...sent, ...record.replies.filter((text) => text !== this.#note)]
    const cutOff = cutOffText(said, record.tools)
    const fewer = this.#takePrimer(resumed ? undefined : before)
    // The message alone is too much: there is nothing to leave away but what a cut off try has piled up.
    if (!fewer && (cutOff === '' || this.#cutOff !== '')) return false
    this.#cutOff = cutOff
    this.#goesOn = false
    this.#resumeToken = undefined
    const { seq, session } = this.#asked
    this.#parts.tokens.forget(session)
    this.#parts.log('session_begun_again', { seq, reason: end.reason, exchanges: this.#primer.exchanges })
    const note = startNote(tooLong, this.#primer)
    record.startOver(this.#note === undefined ? note : undefined)
    this.#note ??= note
    return true
  }

  /**
   * The try failed for a reason that passes, and the same session is asked again. When something had come of it the
   * runtime has the message, and is told to go on; else it is given everything as before. `record` is ready for it.
   */
  triesAgain(record: TurnRecord): void {
    const sent = record.sends.map(({ text }) => text)
    const said = [...sent, ...record.replies.filter((text) => text !== this.#note)]
    const begun = said.length + record.tools.length + record.files.length > 0
    const token = record.resumeToken ?? this.#resumeToken
    if (begun && token !== undefined) {
      this.#goesOn = true
      this.#resumeToken = token
    } else if (begun) this.#cutOff = cutOffText(said, record.tools)
    record.startOver(undefined)
  }

  /** Writes the exchange down; to be called before these entries are committed. Never throws. */
  record(outcome: readonly OutboxEntry[]): void {
    // Handed back: the next runner answers it.
    if (!outcome.some((entry) => entry.type === 'settled')) return
    const { seq, message } = this.#asked
    const at = this.#parts.clock.now()
    this.#parts.transcript.append({ seq, message, steered: this.#steered, outcome, at })
  }

  /** The turn is over: remembers the runtime's session for the next one. */
  close(end: TurnEnd, { resumeToken, compacted }: Pick<TurnRecord, 'resumeToken' | 'compacted'>): void {
    const { provider, tokens } = this.#parts
    const { session, model } = this.#asked
    const tooLong = end.kind === 'failed' && end.reason === 'context-overflow'
    if (tooLong) tokens.forget(session)
    // Also after a failure or a stop: the runtime remembers what was said until then, and so does the person.
    else if (resumeToken !== undefined)
      tokens.set(session, {
        ...{ token: resumeToken, provider },
        ...(model === undefined ? {} : { model }),
        // A runtime that has shortened its conversation may have left it out.
        ...(compacted === undefined ? { memory: this.#memory.print } : {}),
      })
  }

  #remembered(): string | undefined {
    const { provider, oneModel, tokens, log } = this.#parts
    const { seq, session, model } = this.#asked
    const known = tokens.get(session)
    if (known === undefined) return undefined
    const other = known.provider !== undefined && known.provider !== provider
    const otherModel = oneModel && known.provider !== undefined && known.model !== model
    this.#givenMemory = known.memory
    if (!other && !otherModel) return known.token
    // Forgotten now: it does not hear what is said from here on, and must not be gone back to.
    tokens.forget(session)
    log('session_changed', { seq, from: known.provider, to: provider, model: otherModel })
    return undefined
  }

  /** The next smaller primer that differs from `before`; false when there is none. */
  #takePrimer(before?: string): boolean {
    const { transcript, memoryPath } = this.#parts
    const { seq, session, message } = this.#asked
    while (this.#nextBudget < PRIMER_BUDGETS.length) {
      const budget = PRIMER_BUDGETS[this.#nextBudget] ?? 0
      this.#nextBudget += 1
      const without = entryKey({ seq, message })
      this.#primer = primerOf(transcript, { session, budget, without, memoryPath })
      if (this.#primer.text !== before) return true
    }
    return false
  }
}

function startNote(tooLong: boolean, primer: Primer): string {
  if (tooLong) return TOO_LONG_START
  return primer.exchanges > 0 ? PRIMED_START : FRESH_START
}
