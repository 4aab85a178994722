import type { RunnerSettings, TurnInput } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import type { Conversation } from './conversations.ts'
import { bug, followTurn, stoppedBy } from './follow-turn.ts'
import { type EventLog, errorText } from './log.ts'
import type { OutboxCommits } from './outbox-commits.ts'
import type { OutgoingFiles } from './outgoing-files.ts'
import { PhaseWatch } from './phase-watch.ts'
import { ProgressWriter } from './progress-writer.ts'
import type { ProviderRuntime } from './provider.ts'
import { tryingAgain } from './reply-text.ts'
import { retryWait } from './retry-policy.ts'
import type { StopReason } from './session-lanes.ts'
import type { ToolDesk } from './tools/tool-desk.ts'
import { silenceOf } from './turn-entries.ts'
import type { TurnMessages } from './turn-messages.ts'
import type { TurnEnd, TurnRecord } from './turn-record.ts'

export interface TurnTriesParts {
  readonly settings: RunnerSettings
  readonly provider: ProviderRuntime
  readonly commits: OutboxCommits
  readonly files: OutgoingFiles
  readonly desk: ToolDesk
  readonly clock: Clock
  readonly log: EventLog
}

/** A turn that was accepted and is to be run. */
export interface AcceptedTurn {
  readonly messages: TurnMessages
  readonly conversation: Conversation
  readonly record: TurnRecord
  readonly abort: AbortController
  readonly attempt: number
}

/** Has the provider answer a turn: once, or again where that can help. */
export class TurnTries {
  readonly #parts: TurnTriesParts

  constructor(parts: TurnTriesParts) {
    this.#parts = parts
  }

  /**
   * Runs the turn to its end, with its progress shown; what passes is tried again for a while. Never rejects for what
   * the provider does.
   */
  async run(turn: AcceptedTurn): Promise<TurnEnd> {
    const { commits, clock, settings, log } = this.#parts
    const { messages, conversation, record, abort } = turn
    const progress = new ProgressWriter({
      inboxSeq: messages.first.seq,
      chat: silenceOf(messages.first.message),
      record,
      clock,
      offer: (entry) => commits.offer(entry),
    })
    const timer = new AbortController()
    void rest(clock, settings.turnTimeoutMs, timer.signal).then(() => {
      if (!timer.signal.aborted) abort.abort('timeout' satisfies StopReason)
    })
    try {
      // A conversation that has not begun has nothing to be shortened.
      const compact = messages.first.message.command === 'compact'
      if (compact && conversation.resumeToken === undefined) return { kind: 'completed', silent: true }
      for (let tries = 1, firstFailedAt = 0; ; ) {
        const end = await this.#follow(turn, tries, progress)
        if (!compact && conversation.beginsAgain(end, record)) continue
        if (end.kind !== 'failed') return end
        firstFailedAt ||= clock.now()
        const tried = { again: tries - 1, sinceFirstFailureMs: clock.now() - firstFailedAt }
        const waitMs = retryWait(end, tried, settings.limits)
        if (waitMs === null) return { ...end, tries }
        log('turn_failed', { seq: messages.first.seq, reason: end.reason, waitMs })
        conversation.triesAgain(record)
        record.activity = tryingAgain(end.reason, waitMs)
        progress.update()
        await rest(clock, waitMs, abort.signal)
        if (abort.signal.aborted) return stoppedBy(abort.signal)
        record.activity = undefined
        tries += 1
      }
    } finally {
      timer.abort()
      progress.end()
    }
  }

  async #follow(accepted: AcceptedTurn, tries: number, progress: ProgressWriter): Promise<TurnEnd> {
    const { provider, clock, files, desk, settings } = this.#parts
    const { messages, record, abort } = accepted
    const input = this.#input(accepted, tries)
    const { seq, message } = messages.first
    const closeDesk = desk.begin({
      ...{ seq, message, input, record, signal: abort.signal },
      joined: () => messages.jobs.slice(1).map((job) => job.message),
    })
    try {
      const watch = new PhaseWatch(settings.limits.phaseMs, input.resumeToken !== undefined)
      const hung = new AbortController()
      const turn = provider.startTurn(input, AbortSignal.any([abort.signal, hung.signal]))
      const onChange = () => {
        if (record.started) messages.at(turn)
        progress.update()
      }
      const onHung = () => hung.abort()
      return await followTurn(turn, record, { clock, signal: abort.signal, files, watch, onHung, onChange })
    } catch (error) {
      return bug(errorText(error))
    } finally {
      closeDesk()
      messages.at(undefined)
    }
  }

  #input({ messages, conversation, attempt }: AcceptedTurn, tries: number): TurnInput {
    const { prompt, attachments, resumeToken, model } = conversation
    const { first, jobs } = messages
    const effort = first.message.effort ?? this.#parts.settings.effort
    return {
      session: first.session,
      ...(first.message.command === 'compact' ? { kind: 'compact' } : {}),
      text: jobs.map(({ message }) => message.text).join('\n'),
      prompt,
      attempt: attempt + tries - 1,
      ...(model === undefined ? {} : { model }),
      ...(effort === undefined ? {} : { effort }),
      ...(resumeToken === undefined ? {} : { resumeToken }),
      ...(attachments.length === 0 ? {} : { attachments }),
    }
  }
}
