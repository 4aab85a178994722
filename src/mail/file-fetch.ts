import { type BackoffRange, backoffMs } from '../backoff.ts'
import type { Notices } from '../delivery/notices.ts'
import { ChannelRefusedError, errorText, RetryAfterError } from '../domain/errors.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import {
  type Attachment,
  type AttachmentStore,
  FileRefusedError,
  type FileStore,
} from '../domain/ports/files.ts'
import type { InboundRow, InboundStore } from '../domain/ports/stores.ts'
import { sizeText } from '../domain/size-text.ts'
import type { Events } from '../events.ts'
import type { StepResult } from '../pump.ts'

export interface FileFetchPorts {
  readonly attachments: AttachmentStore
  readonly inbound: Pick<InboundStore, 'find'>
  readonly files: Pick<FileStore, 'add'>
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly notices: Notices
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  readonly maxFileBytes: number
  /** The message may go to its group now. */
  readonly nudge: (group: GroupName) => void
  /** A file of this chat is there. */
  readonly fetched: (chatId: ChatId) => void
}

const BACKOFF: BackoffRange = { baseMs: 1_000, maxMs: 30_000 }
/** Between two tries, whatever the platform asks for. */
const MAX_WAIT_MS = 60_000
/** About a minute of tries: its message, and what was said after it, waits so long. */
const MAX_ATTEMPTS = 6
/** For one try: 50 MB over a slow line. */
const FETCH_MS = 300_000

/**
 * Step of the file pump: fetches the next file of a chat that a routed message waits for. A chat waits for its own
 * files alone (I7), in order; a file that cannot be had becomes a line of its message, and the sender is told.
 */
export async function fetchNext(
  chatId: ChatId,
  ports: FileFetchPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const { attachments, inbound, files, channelOf, clock } = ports
  const file = attachments.nextWanted(chatId)
  if (!file) return 'idle'
  const now = clock.now()
  const waitMs = file.notBefore - now
  // One that is longer was set by a clock that has gone back since.
  if (waitMs > 0 && waitMs <= MAX_WAIT_MS) return { waitMs }
  const message = inbound.find(file.inboundId)
  if (!message) return 'idle'
  const limit = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)])
  try {
    const { channel: name, account } = message.address
    const channel = channelOf(name, account)
    if (!channel) throw new ChannelRefusedError(`the channel ${name}/${account} is not configured`)
    if (file.bytes !== null && file.bytes > ports.maxFileBytes)
      throw new FileRefusedError(`too large, limit ${sizeText(ports.maxFileBytes)}`)
    const source = await channel.fetchFile(file.source, file.bytes, limit)
    attachments.ready(file, await files.add(source, ports.maxFileBytes, limit))
    ports.fetched(chatId)
  } catch (error) {
    // The host is stopping: the next one fetches it.
    if (signal.aborted) return 'idle'
    const again = retry(file, error, ports)
    if (again) return again
    give(file, message, errorText(error), ports)
  }
  for (const group of attachments.groupsWaitingFor(file.inboundId)) ports.nudge(group)
  return 'again'
}

function retry(file: Attachment, error: unknown, ports: FileFetchPorts): StepResult | null {
  if (error instanceof FileRefusedError || error instanceof ChannelRefusedError) return null
  if (file.attempts + 1 >= MAX_ATTEMPTS) return null
  const asked = error instanceof RetryAfterError ? error.delayMs : 0
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(asked, backoffMs(file.attempts + 1, BACKOFF, ports.random)))
  ports.attachments.retry(file, (ports.clock.now() + waitMs) as UnixMs)
  ports.events.fileRetried(file.inboundId, waitMs, errorText(error))
  return { waitMs }
}

/** Given up: told to whoever sent it, and later to the agent. */
function give(file: Attachment, message: InboundRow, reason: string, ports: FileFetchPorts): void {
  const { attachments, notices, events } = ports
  attachments.failed(file, reason)
  events.fileFailed(file.inboundId, reason)
  const text = `I could not take the file ${fileLabel(file)}: ${reason}.`
  notices.toChat(message.chatId, message.address.thread, text, `file:${file.inboundId}:${file.position}`)
}

/** `"x.zip" (48.0 MB)`. */
export function fileLabel({ name, bytes }: Pick<Attachment, 'name' | 'bytes'>): string {
  return bytes === null ? `"${name}"` : `"${name}" (${sizeText(bytes)})`
}
