import type { OutboxEntry } from '@creel/protocol'
import type { ChatFile } from '../domain/message.ts'
import type { Channel, DeliveryPart } from '../domain/ports/channel.ts'
import { FileRefusedError, type FileStore } from '../domain/ports/files.ts'
import type { OutboxItem } from '../domain/ports/mailbox.ts'

/** No channel shows less of a text in as many messages as a chat bears. */
const MIGHT_BE_LONG = 3_000
const STORE_MS = 30_000

/** A text that is too long for its chat: its beginning, and all of it in the host's store. */
export interface StoredText {
  readonly beginning: DeliveryPart
  readonly file: ChatFile
}

/** Whether this may be too long for a chat to be shown message by message. */
export function mayBeLong(item: OutboxItem): item is { seq: number; entry: OutboxEntry & { text: string } } {
  if (!('entry' in item) || (item.entry.type !== 'reply' && item.entry.type !== 'send')) return false
  return item.entry.text.length > MIGHT_BE_LONG
}

/**
 * Stores a text that its channel would cut off, before anything is written down: killed in between, the host stores it
 * again, which changes nothing. Null for one that the channel shows whole, and when there is no room for the file.
 */
export async function storeLongText(
  text: string,
  channel: Channel | undefined,
  files: Pick<FileStore, 'add'>,
): Promise<StoredText | null> {
  const beginning = channel?.beginningOf?.(text) ?? null
  if (beginning === null) return null
  const bytes = Buffer.from(text, 'utf8')
  try {
    const source = (async function* () {
      yield bytes
    })()
    const { sha256 } = await files.add(source, bytes.byteLength, AbortSignal.timeout(STORE_MS))
    const about = { name: 'answer.md', mime: 'text/markdown', bytes: bytes.byteLength, image: null }
    return { beginning, file: { sha256, ...about } }
  } catch (error) {
    if (error instanceof FileRefusedError) return null
    throw error
  }
}

/** What the chat is shown of it. */
export function longTextParts({ beginning, file }: StoredText, channel: Channel): readonly DeliveryPart[] {
  const caption = 'This answer is too long for the chat: all of it is in this file.'
  return [beginning, ...channel.renderFile(file, caption)]
}
