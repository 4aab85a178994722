import type { InboxMessage, OutboxEntry, RunnerSettings } from '@creel/protocol'
import type { Clock } from './clock.ts'
import type { Conversation, Conversations } from './conversations.ts'
import { stoppedBy } from './follow-turn.ts'
import { type EventLog, errorText } from './log.ts'
import type { Outbox, OutboxCommits } from './outbox-commits.ts'
import type { OutgoingFiles } from './outgoing-files.ts'
import type { ProviderRuntime } from './provider.ts'
import { queueMode } from './queue-mode.ts'
import { gaveUpReply } from './reply-text.ts'
import type { StopReason, Work } from './session-lanes.ts'
import { runTaskScript } from './task-script.ts'
import type { ToolDesk } from './tools/tool-desk.ts'
import { turnEntries } from './turn-entries.ts'
import { type LaneDoor, type MessageJob, TurnMessages } from './turn-messages.ts'
import { type TurnEnd, TurnRecord } from './turn-record.ts'
import { type AcceptedTurn, TurnTries } from './turn-tries.ts'

/** For a script that came without a limit. */
const SCRIPT_S = 30

export interface TurnRunnerParts {
  readonly settings: RunnerSettings
  readonly provider: ProviderRuntime
  readonly outbox: Outbox
  readonly commits: OutboxCommits
  readonly conversations: Conversations
  readonly desk: ToolDesk
  readonly files: OutgoingFiles
  /** Answers what a person asks of the memory itself. Never rejects. */
  readonly answerMemory: (message: InboxMessage) => Promise<string>
  /** `in/files`. */
  readonly filesIn: string
  readonly workspaceDir: string
  readonly toolEnvironment: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly log: EventLog
  /** Aborts when the runner stops. */
  readonly stopping: AbortSignal
}

/** Takes messages from the inbox to their settlement in the outbox. */
export class TurnRunner {
  readonly #parts: TurnRunnerParts
  readonly #tries: TurnTries

  constructor(parts: TurnRunnerParts) {
    this.#parts = parts
    this.#tries = new TurnTries(parts)
  }

  /**
   * Runs one turn with these messages of a session. Afterwards they are settled, or, when the runner is stopping, left
   * for the next one.
   */
  begin(jobs: readonly MessageJob[], lane: LaneDoor): Work<MessageJob> {
    const [first, ...more] = jobs
    if (!first) throw new Error('a turn without a message')
    const messages = new TurnMessages(first, more, { ...this.#parts, lane })
    const record = new TurnRecord()
    const abort = new AbortController()
    const stop = (reason: StopReason) => abort.abort(reason)
    return {
      done: this.#run(first, messages, record, abort),
      take: (job) => {
        // Not before the runtime has what it is to be stopped at: the conversation would lack it.
        if (queueMode(job.message) === 'interrupt' && record.started) stop('superseded')
        return messages.take(job)
      },
      holds: (seq) => messages.holds(seq),
      stop: (reason, seq) => {
        if (seq !== undefined) messages.cancelled(seq)
        stop(reason)
      },
    }
  }

  /** Never rejects. */
  async #run(
    first: MessageJob,
    messages: TurnMessages,
    record: TurnRecord,
    abort: AbortController,
  ): Promise<void> {
    const { settings, outbox, commits, conversations, clock, log, stopping } = this.#parts
    const { seq } = first
    try {
      const conversation = conversations.open({ ...first, model: first.message.model ?? settings.model })
      messages.onJoin((job) => conversation.steered(job.message))
      const died = outbox.attempts(seq)
      if (died >= settings.maxAttempts) {
        const entries = gaveUp(seq, died)
        conversation.record(entries)
        await commits.commit(entries, stopping)
        log('turn_given_up', { seq, attempts: died })
        return
      }
      const attempt = died + 1
      // On disk before the provider is called: a turn that kills the runner has then counted itself.
      const accepted = messages.jobs.map(
        (job): OutboxEntry => ({ type: 'accepted', inboxSeq: job.seq, attempt, at: clock.now() }),
      )
      if (!(await commits.commit(accepted, stopping))) return
      log('turn_begun', { seq, attempt, messages: accepted.length })
      const woken = await this.#wake(first, conversation, abort.signal)
      if (woken === 'asleep') {
        await commits.commit([leftAsleep(seq)], stopping)
        log('turn_not_needed', { seq, attempt })
        return
      }
      const turn = { messages, conversation, record, abort, attempt }
      const end = woken === 'stopped' ? stoppedBy(abort.signal) : await this.#ending(turn)
      await messages.close()
      const entries = turnEntries(messages, record, end, settings)
      // What is asked of the runtime is no part of what was said.
      if (first.message.command === undefined) conversation.record([...record.sends, ...entries])
      await commits.commit(entries, stopping)
      for (const { file } of record.files) this.#parts.files.release(file.file)
      conversation.close(end, record)
      log('turn_ended', { seq, attempt, end: end.kind, by: end.kind === 'stopped' ? end.by : undefined })
    } catch (error) {
      // Not settled and not forgotten: it is begun again after the next start.
      log('turn_broken', { seq, error: errorText(error) })
    }
  }

  async #ending(turn: AcceptedTurn): Promise<TurnEnd> {
    const { message } = turn.messages.first
    return message.command === 'memory' ? this.#answerMemory(message, turn.record) : this.#tries.run(turn)
  }

  async #answerMemory(message: InboxMessage, record: TurnRecord): Promise<TurnEnd> {
    record.take({ type: 'message', text: await this.#parts.answerMemory(message) })
    return { kind: 'completed', silent: false }
  }

  /** Has the script of a task decide, when it has one. */
  async #wake(
    { message, seq }: MessageJob,
    conversation: Conversation,
    signal: AbortSignal,
  ): Promise<'awake' | 'asleep' | 'stopped'> {
    const { script, timeoutS = SCRIPT_S } = message.task ?? {}
    if (script === undefined) return 'awake'
    const end = await runTaskScript({ script, timeoutS }, this.#parts, signal)
    this.#parts.log('task_script_ran', { seq, end: end.kind })
    if (end.kind === 'awake')
      conversation.steered({ ...message, text: end.told, context: [], attachments: [] })
    return end.kind
  }
}

/** Nothing is said, and nothing was. */
function leftAsleep(inboxSeq: number): OutboxEntry {
  return { type: 'settled', inboxSeq, outcome: 'done', reason: 'its script left the agent asleep' }
}

function gaveUp(inboxSeq: number, attempts: number): OutboxEntry[] {
  return [
    { type: 'reply', inboxSeq, text: gaveUpReply(attempts) },
    {
      type: 'settled',
      inboxSeq,
      outcome: 'failed',
      reason: `the runner died ${attempts} times in this turn`,
    },
  ]
}
