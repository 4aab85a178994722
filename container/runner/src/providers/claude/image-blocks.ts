import { readFile } from 'node:fs/promises'
import type { TurnAttachment } from '@creel/protocol'
import { nativeImages } from '../../turn-attachments.ts'
import type { ContentBlock } from './sdk.ts'

/** The images of a message as the model's API takes them. */
export async function imageBlocks(attachments: readonly TurnAttachment[] = []): Promise<ContentBlock[]> {
  const images = nativeImages(attachments)
  return await Promise.all(
    images.map(async ({ path, mime }): Promise<ContentBlock> => {
      const data = (await readFile(path)).toString('base64')
      return { type: 'image', source: { type: 'base64', media_type: mime, data } }
    }),
  )
}
