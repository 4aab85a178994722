import { readFile } from 'node:fs/promises'
import type { TurnAttachment } from '@creel/protocol'
import { nativeImages } from '../../turn-attachments.ts'

/** A file in a prompt, as the server takes it. */
export interface FilePart {
  readonly type: 'file'
  readonly mime: string
  readonly filename: string
  readonly url: string
}

/** The images of a message. Given by their bytes: for a path the server adds words of its own to the prompt. */
export async function fileParts(attachments: readonly TurnAttachment[] = []): Promise<FilePart[]> {
  return await Promise.all(
    nativeImages(attachments).map(async ({ path, mime, name }): Promise<FilePart> => {
      const data = (await readFile(path)).toString('base64')
      return { type: 'file', mime, filename: name, url: `data:${mime};base64,${data}` }
    }),
  )
}
