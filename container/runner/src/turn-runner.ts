import type { InboxMessage, OutboxEntry, RunnerSettings, TurnInput } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import type { Conversation, Conversations } from './conversations.ts'
import { followTurn } from './follow-turn.ts'
import { type EventLog, errorText } from './log.ts'
import type { Outbox, OutboxCommits } from './outbox-commits.ts'
import { ProgressWriter } from './progress-writer.ts'
import type { ProviderRuntime } from './provider.ts'
import { gaveUpReply } from './reply-text.ts'
import type { Job, StopReason } from './session-lanes.ts'
import { turnEntries } from './turn-entries.ts'
import { type TurnEnd, TurnRecord } from './turn-record.ts'

/** One message on its way to a settlement. */
export interface MessageJob extends Job {
  readonly message: InboxMessage
}

export interface TurnRunnerParts {
  readonly settings: RunnerSettings
  readonly provider: ProviderRuntime
  readonly outbox: Outbox
  readonly commits: OutboxCommits
  readonly conversations: Conversations
  readonly clock: Clock
  readonly log: EventLog
  /** Aborts when the runner stops. */
  readonly stopping: AbortSignal
}

/** Takes one message from the inbox to its settlement in the outbox. */
export class TurnRunner {
  readonly #parts: TurnRunnerParts

  constructor(parts: TurnRunnerParts) {
    this.#parts = parts
  }

  /**
   * Runs the turn of one message. Never rejects. Afterwards the message is settled, or, when the runner is stopping,
   * left for the next one.
   */
  async run(job: MessageJob, abort: AbortController): Promise<void> {
    const { settings, outbox, commits, clock, log, stopping } = this.#parts
    const { seq } = job
    try {
      const conversation = this.#parts.conversations.open({
        ...job,
        model: job.message.model ?? settings.model,
      })
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
      const accepted: OutboxEntry = { type: 'accepted', inboxSeq: seq, attempt, at: clock.now() }
      if (!(await commits.commit([accepted], stopping))) return
      log('turn_begun', { seq, attempt })
      const record = new TurnRecord()
      const end = await this.#turn({ ...job, conversation }, attempt, record, abort)
      const entries = turnEntries(seq, record, end, settings)
      conversation.record(entries)
      await commits.commit(entries, stopping)
      conversation.close(end, record.resumeToken)
      log('turn_ended', { seq, attempt, end: end.kind, by: end.kind === 'stopped' ? end.by : undefined })
    } catch (error) {
      // Not settled and not forgotten: it is begun again after the next start.
      log('turn_broken', { seq, error: errorText(error) })
    }
  }

  async #turn(
    job: MessageJob & { readonly conversation: Conversation },
    attempt: number,
    record: TurnRecord,
    abort: AbortController,
  ): Promise<TurnEnd> {
    const { commits, clock, settings } = this.#parts
    const progress = new ProgressWriter({
      inboxSeq: job.seq,
      record,
      clock,
      offer: (entry) => commits.offer(entry),
    })
    const timer = new AbortController()
    void rest(clock, settings.turnTimeoutMs, timer.signal).then(() => {
      if (!timer.signal.aborted) abort.abort('timeout' satisfies StopReason)
    })
    const onChange = () => progress.update()
    try {
      let end: TurnEnd
      do end = await this.#follow(this.#input(job, attempt), record, abort, onChange)
      while (job.conversation.beginsAgain(end, record))
      return end
    } finally {
      timer.abort()
      progress.end()
    }
  }

  async #follow(
    input: TurnInput,
    record: TurnRecord,
    abort: AbortController,
    onChange: () => void,
  ): Promise<TurnEnd> {
    const { provider, clock } = this.#parts
    try {
      const turn = provider.startTurn(input, abort.signal)
      return await followTurn(turn, record, { clock, signal: abort.signal, onChange })
    } catch (error) {
      return { kind: 'failed', reason: 'crashed', message: errorText(error) }
    }
  }

  #input(job: MessageJob & { readonly conversation: Conversation }, attempt: number): TurnInput {
    const { prompt, resumeToken, model } = job.conversation
    const effort = job.message.effort ?? this.#parts.settings.effort
    return {
      session: job.session,
      text: job.message.text,
      prompt,
      attempt,
      ...(model === undefined ? {} : { model }),
      ...(effort === undefined ? {} : { effort }),
      ...(resumeToken === undefined ? {} : { resumeToken }),
    }
  }
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
