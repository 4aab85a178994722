import { z } from 'zod'
import { readChoicePart } from './choice-part.ts'
import type { ChatFile } from './message.ts'

/** Begins the stored form of a file; `fileFreeText` keeps it out of every text. */
const MARK = '\u001efile:'

const Part = z.object({
  sha256: z.string(),
  name: z.string(),
  mime: z.string(),
  bytes: z.number(),
  image: z
    .object({
      mime: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
      width: z.number(),
      height: z.number(),
    })
    .nullable(),
  caption: z.string(),
})

/** A file as one delivery part, on a channel whose other parts are plain markdown. */
export function filePart(file: ChatFile, caption: string): string {
  return MARK + JSON.stringify({ ...file, caption })
}

/** The file of such a part; null for a text. Throws when it begins like one and is none. */
export function readFilePart(part: string): { file: ChatFile; caption: string } | null {
  if (!part.startsWith(MARK)) return null
  const { caption, ...file } = Part.parse(JSON.parse(part.slice(MARK.length)))
  return { file, caption }
}

/** What a person reads of a part; of one with choices, its question. Never throws. */
export function readablePart(part: string): string {
  try {
    const file = readFilePart(part)
    if (file !== null) return file.caption === '' ? `[file ${file.file.name}]` : file.caption
    return readChoicePart(part)?.text ?? part
  } catch (error) {
    if (error instanceof Error) return '(not readable)'
    throw error
  }
}

/** The text as it may become a part: none that an agent writes can look like a file. */
export function fileFreeText(markdown: string): string {
  return markdown.replaceAll('\u001e', '')
}
