import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_SKILL_FILE, readSkillHead, type SkillHead } from './skill-file.ts'

export const MAX_FILES = 200
export const MAX_BYTES = 8 * 1024 * 1024
export const MAX_DEPTH = 6

export interface SkillFile {
  /** Below the skill's folder. */
  readonly path: string
  readonly bytes: number
  readonly executable: boolean
  /** Changes when the file does. */
  readonly mark: string
}

export interface FoundSkill extends SkillHead {
  readonly folder: string
  readonly files: readonly SkillFile[]
}

/** What is wrong with a skill, in words for a person. */
class SkillProblem extends Error {
  override name = 'SkillProblem'
}

/**
 * Looks at the skill in a folder. Nothing in it is followed anywhere: a downloaded skill could hold a link to a file of
 * this machine. Files whose names begin with a dot do not belong to it. Never rejects.
 */
export async function readSkill(
  folder: string,
  name: string,
): Promise<FoundSkill | { readonly problem: string }> {
  try {
    const files: SkillFile[] = []
    await listInto(files, folder, '', 0)
    const main = files.find(({ path }) => path === 'SKILL.md')
    if (!main) throw new SkillProblem('there is no SKILL.md in it')
    if (main.bytes > MAX_SKILL_FILE)
      throw new SkillProblem(`SKILL.md: expected at most ${MAX_SKILL_FILE} bytes, got ${main.bytes}`)
    const text = (await readPlainFile(join(folder, 'SKILL.md'), MAX_SKILL_FILE)).toString('utf8')
    const head = await readSkillHead(text)
    if ('problem' in head) return head
    if (head.name !== name)
      throw new SkillProblem(`SKILL.md: name: expected that of its folder, ${name}, got ${head.name}`)
    return { ...head, folder, files }
  } catch (error) {
    return { problem: wordsOf(error) }
  }
}

/** The whole of a regular file; throws when it is anything else, or longer. */
export async function readPlainFile(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > maxBytes) throw new SkillProblem('it changed while it was read')
    const buffer = Buffer.alloc(stat.size)
    let at = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, at, buffer.length - at, at)
      at += bytesRead
      if (bytesRead === 0) return buffer.subarray(0, at)
    }
  } finally {
    await file.close()
  }
}

async function listInto(files: SkillFile[], folder: string, below: string, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw new SkillProblem(`expected at most ${MAX_DEPTH} folders inside each other`)
  for (const entry of (await readdir(join(folder, below))).sort()) {
    if (entry.startsWith('.')) continue
    const path = join(below, entry)
    const stat = await lstat(join(folder, path))
    if (stat.isDirectory()) {
      await listInto(files, folder, path, depth + 1)
      continue
    }
    if (stat.isSymbolicLink()) throw new SkillProblem(`${path} is a symbolic link, which is not followed`)
    if (!stat.isFile()) throw new SkillProblem(`${path} is not a file`)
    const { size: bytes, mode, mtimeMs, ino } = stat
    files.push({
      path,
      bytes,
      executable: (mode & 0o111) !== 0,
      mark: `${path}:${ino}:${bytes}:${mode}:${mtimeMs}`,
    })
    if (files.length > MAX_FILES) throw new SkillProblem(`expected at most ${MAX_FILES} files`)
    if (files.reduce((sum, file) => sum + file.bytes, 0) > MAX_BYTES)
      throw new SkillProblem(`expected at most ${MAX_BYTES} bytes in all`)
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof SkillProblem) return error.message
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error'
  return code === 'ENOTDIR' ? 'it is not a folder' : `it cannot be read: ${code}`
}
