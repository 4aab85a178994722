import type { InboxAttachment } from '@creel/protocol'
import type { GroupName, InboundId } from '../domain/ids.ts'
import type { Attachment, AttachmentStore, FileStore, GroupFiles } from '../domain/ports/files.ts'
import { voiceLines } from '../voice/spoken-text.ts'
import { fileLabel } from './file-fetch.ts'

export interface GivenFilesPorts {
  readonly attachments: Pick<AttachmentStore, 'of'>
  readonly files: Pick<FileStore, 'path'>
  readonly groupFiles: GroupFiles
}

/**
 * The files of a message as its group gets them; what is said in them, and what cannot be given, are lines of text.
 * Idempotent.
 */
export function giveFiles(
  group: GroupName,
  inboundId: InboundId,
  { attachments, files, groupFiles }: GivenFilesPorts,
): { readonly given: InboxAttachment[]; readonly lines: string[] } {
  const given: InboxAttachment[] = []
  const sent = attachments.of(inboundId)
  const lines = voiceLines(sent)
  for (const file of sent) {
    const path = file.sha256 === null ? null : files.path(file.sha256)
    if (file.sha256 === null || file.bytes === null)
      lines.push(missing(file, file.reason ?? 'it is not there'))
    else if (path === null) lines.push(missing(file, 'it is not kept any more'))
    else {
      const name = `${file.sha256}${ending(file)}`
      if (!groupFiles.give(group, name, { path, bytes: file.bytes }))
        lines.push(missing(file, 'there is no room for more files of this agent'))
      else given.push(inboxAttachment(name, file, file.bytes))
    }
  }
  return { given, lines }
}

/** By their bytes, images are images and nothing else is: an image that is none would break a model's request. */
function inboxAttachment(
  file: string,
  { kind, name, mime, image }: Attachment,
  bytes: number,
): InboxAttachment {
  const claimed = mime.startsWith('image/') || mime === '' ? 'application/octet-stream' : mime
  if (!image) return { file, kind: kind === 'image' ? 'document' : kind, name, mime: claimed, bytes }
  const { width, height } = image
  const shown = kind === 'sticker' ? kind : 'image'
  return { file, kind: shown, name, mime: image.mime, bytes, pixels: { width, height } }
}

/** By which programs know what a file is. */
function ending({ name, image }: Attachment): string {
  if (image) return `.${image.mime.slice('image/'.length)}`
  const match = /\.([A-Za-z0-9]{1,8})$/.exec(name)
  return match?.[1] === undefined ? '' : `.${match[1].toLowerCase()}`
}

function missing(file: Attachment, reason: string): string {
  return `[a file ${fileLabel(file)} was sent, but cannot be given: ${reason}]`
}
