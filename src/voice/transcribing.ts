import type { ChatId } from '../domain/ids.ts'
import { Pump, type PumpOptions } from '../pump.ts'
import { type TranscribePorts, transcribeNext } from './transcribe-next.ts'

/** The pump that has voice messages written down, beside everything else: one lane for each chat, few at once. */
export class Transcribing {
  readonly #pump: Pump<ChatId>

  constructor(
    ports: TranscribePorts & { readonly atOnce: number },
    pump: Pick<PumpOptions<ChatId>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
  ) {
    this.#pump = new Pump<ChatId>({
      ...{ ...pump, name: 'transcription', maxConcurrent: ports.atOnce },
      keys: () => ports.transcripts.chatsWithUnheard(),
      step: (chatId, signal) => transcribeNext(chatId, ports, signal),
    })
  }

  start(): void {
    this.#pump.start()
  }

  /** A message of this chat was routed, or one of its files came. */
  nudge(chatId: ChatId): void {
    this.#pump.nudge(chatId)
  }

  /** Ends what runs: the next host begins it again. Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(0)
  }
}
