import type { OutboxFile } from '@creel/protocol'
import type { GroupName } from '../domain/ids.ts'
import { type ChatFile, VOICE_TYPE } from '../domain/message.ts'
import type { Channel } from '../domain/ports/channel.ts'
import { FileRefusedError, type FileStore } from '../domain/ports/files.ts'
import type { OutboxItem } from '../domain/ports/mailbox.ts'
import { sizeText } from '../domain/size-text.ts'
import { cleanName } from '../markdown/clean-text.ts'
import { mayBeLong } from './long-text.ts'

/** Each unit may cost some microseconds of the host's only thread when a text is made to be hard to format. */
const MAX_BATCH_UNITS = 5_000

/** What became of a file that a group sends: in the host's store, or a reason that people may read. */
export type CollectedFile =
  | { readonly file: ChatFile; readonly caption: string }
  | { readonly refused: string; readonly name: string; readonly bytes: number }

/**
 * Takes a file that a sandbox left beside its outbox into the host's store, before anything is written down: killed in
 * between, the host takes it again, which changes nothing. Throws only for what another try can mend.
 */
export async function takeFile(
  group: GroupName,
  entry: OutboxFile,
  files: Pick<FileStore, 'collect'>,
  maxBytes: number,
): Promise<CollectedFile> {
  const { bytes } = entry
  const name = cleanName(entry.name, 150).replaceAll('/', '_') || 'file'
  if (bytes > maxBytes) return { name, bytes, refused: `it is larger than ${sizeText(maxBytes)}` }
  try {
    const { sha256, image, voice } = await files.collect(group, entry.file, bytes)
    const mime = image?.mime ?? (voice ? VOICE_TYPE : 'application/octet-stream')
    return { file: { sha256, name, mime, bytes, image }, caption: entry.caption ?? '' }
  } catch (error) {
    if (!(error instanceof FileRefusedError)) throw error
    return { name, bytes, refused: error.message }
  }
}

/** What another agent is told of a file that was made for it. */
export function unsentFile(collected: CollectedFile | null): string {
  const name = collected === null ? '' : 'file' in collected ? collected.file.name : collected.name
  const caption = collected !== null && 'file' in collected ? collected.caption : ''
  return `${caption}\n(A file "${name}" was made and is not here: files do not go from agent to agent.)`.trim()
}

/** The parts that show it in a chat, or say why it is not there. */
export function fileParts(collected: CollectedFile, channel: Channel | undefined): readonly string[] {
  if ('file' in collected) {
    const { file, caption } = collected
    if (channel) return channel.renderFile(file, caption)
    const lost = `(A file of the agent, "${file.name}", came while there was no way to send it.)`
    return [caption === '' ? lost : `${caption}\n\n${lost}`]
  }
  const { name, bytes, refused } = collected
  const text = `(A file of the agent, "${name}" (${sizeText(bytes)}), could not be taken: ${refused}.)`
  return channel?.render(text) ?? [text]
}

/** A file, or a long text, is taken at the head of a batch, for it takes time: what was said before is not held up. */
export function upToFile(items: readonly OutboxItem[]): readonly OutboxItem[] {
  const at = items.findIndex((item, index) => index > 0 && (isFile(item) || mayBeLong(item)))
  return at === -1 ? items : items.slice(0, at)
}

/**
 * As many as have little enough text to be formatted without holding up the other groups; always the first, so that one
 * longer than that goes without another. What says nothing goes with what is before it.
 */
export function upToText(items: readonly OutboxItem[], maxUnits = MAX_BATCH_UNITS): readonly OutboxItem[] {
  let units = 0
  const at = items.findIndex((item, index) => {
    const own = unitsOf(item)
    units += own
    return index > 0 && own > 0 && units > maxUnits
  })
  return at === -1 ? items : items.slice(0, at)
}

function unitsOf(item: OutboxItem): number {
  if (!('entry' in item)) return 0
  const { entry } = item
  if (entry.type === 'file') return entry.caption?.length ?? 0
  return entry.type === 'reply' || entry.type === 'send' ? entry.text.length : 0
}

export function isFile(item: OutboxItem): item is { seq: number; entry: OutboxFile } {
  return 'entry' in item && item.entry.type === 'file'
}
