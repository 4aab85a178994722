import type { ChatId } from '../domain/ids.ts'
import { Pump, type PumpOptions } from '../pump.ts'
import { type FileFetchPorts, fetchNext } from './file-fetch.ts'

/** Chats that fetch at once; each has a connection and up to a file of disk. */
const LANES = 8

/** The pump that fetches the files of routed messages, beside everything else: one lane for each chat. */
export class FileFetching {
  readonly #pump: Pump<ChatId>
  readonly #attachments: FileFetchPorts['attachments']

  constructor(
    ports: FileFetchPorts,
    pump: Pick<PumpOptions<ChatId>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
  ) {
    this.#attachments = ports.attachments
    this.#pump = new Pump<ChatId>({
      ...{ ...pump, name: 'files', maxConcurrent: LANES },
      keys: () => ports.attachments.chatsWithWanted(),
      step: (chatId, signal) => fetchNext(chatId, ports, signal),
    })
  }

  start(): void {
    this.#pump.start()
  }

  /** A message of this chat was routed. Most have no file, and a look costs less than a lane that finds nothing. */
  nudge(chatId: ChatId): void {
    if (this.#attachments.anyWanted()) this.#pump.nudge(chatId)
  }

  /** Stops what is being fetched: the next host begins it again. Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(0)
  }
}
