import type { InboxMessage, OutboxEntry, RunnerSettings, TurnInput } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import { followTurn } from './follow-turn.ts'
import { type EventLog, errorText } from './log.ts'
import type { Outbox, OutboxCommits } from './outbox-commits.ts'
import { ProgressWriter } from './progress-writer.ts'
import { promptOf } from './prompt.ts'
import type { ProviderRuntime } from './provider.ts'
import { FRESH_START, gaveUpReply } from './reply-text.ts'
import type { Job, StopReason } from './session-lanes.ts'
import type { SessionTokens } from './session-tokens.ts'
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
  readonly sessions: SessionTokens
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
      const died = outbox.attempts(seq)
      if (died >= settings.maxAttempts) {
        await commits.commit(gaveUp(seq, died), stopping)
        log('turn_given_up', { seq, attempts: died })
        return
      }
      const attempt = died + 1
      // On disk before the provider is called: a turn that kills the runner has then counted itself.
      const accepted: OutboxEntry = { type: 'accepted', inboxSeq: seq, attempt, at: clock.now() }
      if (!(await commits.commit([accepted], stopping))) return
      log('turn_begun', { seq, attempt })
      const record = new TurnRecord()
      const end = await this.#turn(job, attempt, record, abort)
      await commits.commit(turnEntries(seq, record, end, settings), stopping)
      // Also after a failure or a stop: the runtime remembers what was said until then, and so does the person.
      if (record.resumeToken !== undefined) this.#parts.sessions.set(job.session, record.resumeToken)
      // Not tried again by itself: what the turn did until then would be done twice.
      if (end.kind === 'failed' && end.reason === 'context-overflow') this.#parts.sessions.forget(job.session)
      log('turn_ended', { seq, attempt, end: end.kind, by: end.kind === 'stopped' ? end.by : undefined })
    } catch (error) {
      // Not settled and not forgotten: it is begun again after the next start.
      log('turn_broken', { seq, error: errorText(error) })
    }
  }

  async #turn(
    job: MessageJob,
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
      const input = this.#input(job, attempt)
      const end = await this.#follow(input, record, abort, onChange)
      if (!isLost(end) || input.resumeToken === undefined || record.replies.length > 0) return end
      // Once, without the token: a session must not fail for ever because the runtime's memory of it is gone.
      this.#parts.sessions.forget(job.session)
      this.#parts.log('session_lost', { seq: job.seq })
      record.startOver(FRESH_START)
      return await this.#follow(this.#input(job, attempt), record, abort, onChange)
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

  #input(job: MessageJob, attempt: number): TurnInput {
    const { settings, sessions } = this.#parts
    const resumeToken = sessions.get(job.session)
    const model = job.message.model ?? settings.model
    const effort = job.message.effort ?? settings.effort
    return {
      session: job.session,
      text: job.message.text,
      prompt: promptOf(job.message),
      attempt,
      ...(model === undefined ? {} : { model }),
      ...(effort === undefined ? {} : { effort }),
      ...(resumeToken === undefined ? {} : { resumeToken }),
    }
  }
}

function isLost(end: TurnEnd): boolean {
  return end.kind === 'failed' && end.reason === 'resume-lost'
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
