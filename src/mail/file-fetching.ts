import type { ChatId } from '../domain/ids.ts'
import { Pump, type PumpOptions } from '../pump.ts'
import { type FileFetchPorts, fetchNext } from './file-fetch.ts'

/** Chats that fetch at once; each has a connection and up to a file of disk. */
const LANES = 8

/** The pump that fetches the files of routed messages, beside everything else: one lane for each chat. */
export class FileFetching {
  readonly #pump: Pump<ChatId>

  constructor(
    ports: FileFetchPorts,
    pump: Pick<PumpOptions<ChatId>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
  ) {
    this.#pump = new Pump<ChatId>({
      ...{ ...pump, name: 'files', maxConcurrent: LANES },
      keys: () => ports.attachments.chatsWithWanted(),
      step: (chatId, signal) => fetchNext(chatId, ports, signal),
    })
  }

  start(): void {
    this.#pump.start()
  }

  /** A message of this chat was routed. */
  nudge(chatId: ChatId): void {
    this.#pump.nudge(chatId)
  }

  /** Stops what is being fetched: the next host begins it again. Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(0)
  }
}
