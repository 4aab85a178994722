import type { Message } from 'grammy/types'
import type { InboundFile } from '../../../domain/message.ts'
import { cleanName } from '../../../markdown/clean-text.ts'

interface PlatformFile {
  readonly file_id: string
  readonly file_size?: number | undefined
}

/** The files of a message, by Telegram's own references; those of a message that it answers come after its own. */
export function filesOf(message: Message, ourId: number): InboundFile[] {
  const replied = message.reply_to_message
  const pointedAt = replied === undefined || replied.from?.id === ourId ? [] : ownFiles(replied)
  return [...ownFiles(message), ...pointedAt]
}

/** In the order of `describeContent`: an animation also carries the field of a document. */
function ownFiles(message: Message): InboundFile[] {
  const { animation, video_note, voice, video, audio, document, photo, sticker } = message
  if (animation)
    return [file('video', animation, animation.file_name ?? 'animation.mp4', animation.mime_type)]
  if (video_note) return [file('video', video_note, 'video-note.mp4', 'video/mp4')]
  if (voice)
    return [{ ...file('voice', voice, 'voice.ogg', voice.mime_type ?? 'audio/ogg'), seconds: voice.duration }]
  if (video) return [file('video', video, video.file_name ?? 'video.mp4', video.mime_type)]
  if (audio) return [file('document', audio, audio.file_name ?? 'audio', audio.mime_type)]
  if (document) return [file('document', document, document.file_name ?? 'document', document.mime_type)]
  if (photo) return photoFile(photo)
  if (sticker && !sticker.is_animated && !sticker.is_video)
    return [file('sticker', sticker, 'sticker.webp', 'image/webp')]
  return []
}

/** Telegram keeps a photo in several sizes; the largest is what was sent. */
function photoFile(sizes: NonNullable<Message['photo']>): InboundFile[] {
  const largest = sizes.toSorted((a, b) => b.width * b.height - a.width * a.height)[0]
  return largest === undefined ? [] : [file('image', largest, 'photo.jpg', 'image/jpeg')]
}

function file(
  kind: InboundFile['kind'],
  { file_id, file_size }: PlatformFile,
  name: string,
  mime: string | undefined,
): InboundFile {
  return {
    kind,
    name: cleanName(name, 150).replaceAll('/', '_') || kind,
    mime: (mime ?? 'application/octet-stream').slice(0, 100),
    bytes: file_size ?? null,
    from: { source: file_id },
  }
}
