import { lstatSync } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { checkedFolder, isMissing, readEnd } from '../agent-files.ts'
import { CONVERSATIONS } from '../transcript.ts'

const MAX_FOLDERS = 2_000
const MAX_FILES = 5_000
const MAX_FILE_BYTES = 2 * 1024 * 1024
const DAY = /\d{4}-\d\d-\d\d/

/** A markdown file of the memory folder, which the agent may have put there. */
export interface MarkdownFile {
  readonly full: string
  /** Relative to the memory folder. */
  readonly path: string
  /** As its name says; '' for the agent's own files. */
  readonly day: string
  /** Whether it is a transcript. */
  readonly spoken: boolean
  /** Another one when the file was changed. */
  readonly stamp: string
  readonly bytes: number
}

/**
 * The markdown files of the memory folder within bounds: the agent's own first, then the newest day. What is not a plain
 * file is passed over; what was not looked at is added to `leftOut` in words. Never rejects.
 */
export async function markdownFiles(memoryDir: string, leftOut: Set<string>): Promise<MarkdownFile[]> {
  const folders = [memoryDir]
  const files: MarkdownFile[] = []
  for (let at = 0; at < folders.length; at++) {
    const folder = folders[at] ?? ''
    try {
      if (folder === join(memoryDir, CONVERSATIONS)) checkedFolder(memoryDir, CONVERSATIONS)
      for await (const entry of await opendir(folder)) {
        const full = join(folder, entry.name)
        if (entry.isDirectory() && folders.length < MAX_FOLDERS) folders.push(full)
        if (entry.isSymbolicLink() && full === join(memoryDir, CONVERSATIONS))
          leftOut.add('the conversations: their folder is a link, so it is not readable')
        if (!entry.isFile() || !entry.name.endsWith('.md')) continue
        if (files.length >= MAX_FILES) {
          leftOut.add(`files past the first ${MAX_FILES}`)
          break
        }
        files.push(...seen(memoryDir, full, leftOut))
      }
    } catch (error) {
      if (!isMissing(error))
        leftOut.add(`a folder that cannot be read (${error instanceof Error ? error.message : 'unknown'})`)
    }
  }
  return files.sort(newestFirst)
}

/** The end of the file as text; '' for one that cannot be read. */
export function textOf({ full }: Pick<MarkdownFile, 'full'>, leftOut: Set<string>): string {
  try {
    const bytes = readEnd(full, MAX_FILE_BYTES + 1)
    if (bytes.length > MAX_FILE_BYTES)
      leftOut.add(`the beginning of files of more than ${MAX_FILE_BYTES} bytes`)
    return bytes.toString('utf8')
  } catch (error) {
    if (!isMissing(error)) leftOut.add('files that cannot be read')
    return ''
  }
}

function seen(memoryDir: string, full: string, leftOut: Set<string>): MarkdownFile[] {
  try {
    const { size, mtimeMs, ctimeMs, ino } = lstatSync(full)
    const path = relative(memoryDir, full)
    if (size > MAX_FILE_BYTES) leftOut.add(`the beginning of files of more than ${MAX_FILE_BYTES} bytes`)
    const day = DAY.exec(path.slice(path.lastIndexOf('/') + 1))?.[0] ?? ''
    const spoken = path.startsWith(`${CONVERSATIONS}/`)
    const bytes = Math.min(size, MAX_FILE_BYTES)
    return [{ full, path, day, spoken, stamp: `${size}:${mtimeMs}:${ctimeMs}:${ino}`, bytes }]
  } catch (error) {
    if (!isMissing(error)) leftOut.add('files that cannot be read')
    return []
  }
}

function newestFirst(a: MarkdownFile, b: MarkdownFile): number {
  if (a.day === b.day) return a.path < b.path ? 1 : -1
  return (a.day || '9') < (b.day || '9') ? 1 : -1
}
