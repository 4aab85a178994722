import { z } from 'zod'
import { type ChatFile, VOICE_TYPE } from '../../../domain/message.ts'
import type { DeliveryPart } from '../../../domain/ports/channel.ts'
import { sizeText } from '../../../domain/size-text.ts'
import { Part, readPart, renderParts } from './render-parts.ts'

/** https://core.telegram.org/bots/api#sending-files */
const MAX_PHOTO_BYTES = 10_000_000
const MAX_DOCUMENT_BYTES = 50_000_000
/** https://core.telegram.org/bots/api#sendphoto */
const MAX_PHOTO_SIDES = 10_000
const MAX_PHOTO_RATIO = 20
/** https://core.telegram.org/bots/api#senddocument */
const MAX_CAPTION_UNITS = 1024

const FilePart = z.object({
  file: z.object({ sha256: z.string(), name: z.string(), as: z.enum(['photo', 'voice', 'document']) }),
  caption: Part.nullable(),
})

/** A file as it lies in the delivery table. */
export type TelegramFilePart = z.infer<typeof FilePart>

/**
 * A file with its caption: as a photo or a voice message where Telegram takes it as one, else as a document. A caption that is too long
 * comes as messages after it. Pure; never throws.
 */
export function renderFile(file: ChatFile, caption: string): readonly DeliveryPart[] {
  const texts = caption.trim() === '' ? [] : renderParts(caption)
  if (file.bytes > MAX_DOCUMENT_BYTES || file.bytes === 0) {
    const why = file.bytes === 0 ? 'it is empty' : `Telegram takes ${sizeText(MAX_DOCUMENT_BYTES)} at most`
    return [
      ...renderParts(`(The file "${file.name}", ${sizeText(file.bytes)}, cannot be sent: ${why}.)`),
      ...texts,
    ]
  }
  const as = isPhoto(file) ? 'photo' : file.mime === VOICE_TYPE ? 'voice' : 'document'
  const about = { sha256: file.sha256, name: file.name, as } as const
  const [first] = texts
  const fits = texts.length === 1 && first !== undefined && readPart(first).text.length <= MAX_CAPTION_UNITS
  const part: TelegramFilePart = { file: about, caption: fits ? readPart(first) : null }
  return [JSON.stringify(part), ...(fits ? [] : texts)]
}

/** The file of such a part; null when it is a text. Throws when it is neither. */
export function readFilePart(part: DeliveryPart): TelegramFilePart | null {
  const value: unknown = JSON.parse(part)
  return typeof value === 'object' && value !== null && 'file' in value ? FilePart.parse(value) : null
}

/** A GIF would stand still as a photo. */
function isPhoto({ image, bytes }: ChatFile): boolean {
  if (!image || image.mime === 'image/gif' || bytes > MAX_PHOTO_BYTES) return false
  const { width, height } = image
  const ratio = Math.max(width, height) / Math.min(width, height)
  return width + height <= MAX_PHOTO_SIDES && ratio <= MAX_PHOTO_RATIO
}
