import type { RunnerSettings, TurnInput } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import type { Conversation } from './conversations.ts'
import { followTurn } from './follow-turn.ts'
import { errorText } from './log.ts'
import type { OutboxCommits } from './outbox-commits.ts'
import type { OutgoingFiles } from './outgoing-files.ts'
import { ProgressWriter } from './progress-writer.ts'
import type { ProviderRuntime } from './provider.ts'
import type { StopReason } from './session-lanes.ts'
import type { TurnMessages } from './turn-messages.ts'
import type { TurnEnd, TurnRecord } from './turn-record.ts'

export interface TurnTriesParts {
  readonly settings: RunnerSettings
  readonly provider: ProviderRuntime
  readonly commits: OutboxCommits
  readonly files: OutgoingFiles
  readonly clock: Clock
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

  /** Runs the turn to its end, with its progress shown. Never rejects for what the provider does. */
  async run(turn: AcceptedTurn): Promise<TurnEnd> {
    const { commits, clock, settings } = this.#parts
    const { messages, conversation, record, abort } = turn
    const progress = new ProgressWriter({
      inboxSeq: messages.first.seq,
      record,
      clock,
      offer: (entry) => commits.offer(entry),
    })
    const timer = new AbortController()
    void rest(clock, settings.turnTimeoutMs, timer.signal).then(() => {
      if (!timer.signal.aborted) abort.abort('timeout' satisfies StopReason)
    })
    try {
      let end: TurnEnd
      do end = await this.#follow(turn, progress)
      while (conversation.beginsAgain(end, record))
      return end
    } finally {
      timer.abort()
      progress.end()
    }
  }

  async #follow(accepted: AcceptedTurn, progress: ProgressWriter): Promise<TurnEnd> {
    const { provider, clock, files } = this.#parts
    const { messages, record, abort } = accepted
    try {
      const turn = provider.startTurn(this.#input(accepted), abort.signal)
      const onChange = () => {
        if (record.started) messages.at(turn)
        progress.update()
      }
      return await followTurn(turn, record, { clock, signal: abort.signal, files, onChange })
    } catch (error) {
      return { kind: 'failed', reason: 'crashed', message: errorText(error) }
    } finally {
      messages.at(undefined)
    }
  }

  #input({ messages, conversation, attempt }: AcceptedTurn): TurnInput {
    const { prompt, attachments, resumeToken, model } = conversation
    const { first, jobs } = messages
    const effort = first.message.effort ?? this.#parts.settings.effort
    return {
      session: first.session,
      text: jobs.map(({ message }) => message.text).join('\n'),
      prompt,
      attempt,
      ...(model === undefined ? {} : { model }),
      ...(effort === undefined ? {} : { effort }),
      ...(resumeToken === undefined ? {} : { resumeToken }),
      ...(attachments.length === 0 ? {} : { attachments }),
    }
  }
}
