// Composition of what is done with the files of messages before their agent gets them: fetched, and written down.
import type { Channels } from './channels.ts'
import type { Core } from './core.ts'
import type { Notices } from './delivery/notices.ts'
import type { ChatId, GroupName } from './domain/ids.ts'
import type { FileStore } from './domain/ports/files.ts'
import type { Transcriber } from './domain/ports/transcription.ts'
import type { Events } from './events.ts'
import { FileFetching } from './mail/file-fetching.ts'
import type { PumpOptions } from './pump.ts'
import { Transcribing } from './voice/transcribing.ts'
import { voiceLimits } from './voice-parts.ts'

export interface AttachmentWork {
  start(): void
  /** A message of this chat was routed. */
  nudge(chatId: ChatId): void
  /** Stops what runs: the next host begins it again. Idempotent. */
  stop(): Promise<void>
}

interface Given {
  readonly files: FileStore
  readonly transcriber: Transcriber | null
  readonly channelOf: Channels['find']
  readonly notices: Notices
  readonly events: Events
  /** A message may go to its group now. */
  readonly nudge: (group: GroupName) => void
}

export function attachmentParts(
  core: Core,
  { transcriber, channelOf, ...given }: Given,
  pump: Pick<PumpOptions<ChatId>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
): AttachmentWork {
  const { attachments, transcripts, inbound, install } = core
  const { clock, random } = pump
  const { atOnce, ...limits } = voiceLimits(install)
  const transcribing = new Transcribing(
    { ...given, transcripts, inbound, transcriber, clock, random, limits, atOnce },
    pump,
  )
  const fetching = new FileFetching(
    {
      ...{ ...given, attachments, inbound, channelOf, clock, random },
      maxFileBytes: install.config.files.max_mb * 1_000_000,
      fetched: (chatId) => transcribing.nudge(chatId),
    },
    pump,
  )
  return {
    start: () => {
      fetching.start()
      transcribing.start()
    },
    nudge: (chatId) => {
      fetching.nudge(chatId)
      // What was wanted of a service that is configured no more is found by looking around.
      if (transcriber !== null) transcribing.nudge(chatId)
    },
    stop: async () => {
      await fetching.stop()
      await transcribing.stop()
      await transcriber?.close()
    },
  }
}
