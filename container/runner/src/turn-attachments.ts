import { closeSync, constants, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { InboxMessage, TurnAttachment } from '@creel/protocol'

/** What every model API that we know takes as an image. */
const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']
/** Anthropic takes 5 MB of base64 for one image: https://docs.anthropic.com/en/docs/build-with-claude/vision */
const MAX_NATIVE_BYTES = 3_700_000
/** Above it the API refuses the request, and every later one of the session, because the image stays in it. */
const MAX_NATIVE_PIXELS = 8_000
/** With more than 20 images in a request the limits of each are smaller. */
const MAX_NATIVE_IMAGES = 8

/** The files of a message, as a provider is told of them. `folder` is `in/files` as this process sees it. */
export function attachmentsOf(message: InboxMessage, folder: string): TurnAttachment[] {
  return message.attachments.map(({ file, ...rest }) => ({ ...rest, path: join(folder, file) }))
}

/** The images that a model can be shown as they are; all other files it reads by their path. */
export function nativeImages(attachments: readonly TurnAttachment[] = []): TurnAttachment[] {
  return attachments.filter(isNative).slice(0, MAX_NATIVE_IMAGES)
}

function isNative({ mime, bytes, pixels, path }: TurnAttachment): boolean {
  if (!IMAGE_TYPES.includes(mime) || pixels === undefined) return false
  if (bytes > MAX_NATIVE_BYTES || Math.max(pixels.width, pixels.height) > MAX_NATIVE_PIXELS) return false
  return isThere(path)
}

/** A file that is gone must not cost the turn: the prompt names it, and the model can say so. */
function isThere(path: string): boolean {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return readSync(file, Buffer.alloc(1), 0, 1, 0) === 1
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

/** Bytes for a person: `12 kB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`
  return bytes < 999_500 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
