import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CreelError } from '../../domain/errors.ts'
import { replaceFile } from '../../replace-file.ts'
import { type FoundSkill, readPlainFile } from './read-skill.ts'

/** Beside the skills, and none itself: what begins with a dot is not looked at. */
const FILE = '.pins.json'

/** For each name the hash of what a person looked at and let in. */
const Pins = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))
export type SkillPins = z.infer<typeof Pins>

/** The pins of a folder of skills; none when there is no file. Throws CreelError `invalid` for one that is not ours. */
export async function readPins(parent: string): Promise<SkillPins> {
  const path = join(parent, FILE)
  try {
    return Pins.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw new CreelError('invalid', `${path}: expected names of skills with their SHA-256`, {
      hint: 'take the file away and run "creel skills pin NAME" for those that you trust',
      cause: error,
    })
  }
}

/** Changes with the pins; '' when there are none. */
export function pinsMark(parent: string): string {
  try {
    return createHash('sha256')
      .update(readFileSync(join(parent, FILE)))
      .digest('hex')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

/** Puts the file in place as a whole. One writer at a time: the person at the command line. */
export async function changePins(parent: string, change: (pins: SkillPins) => SkillPins): Promise<void> {
  const pins = change(await readPins(parent))
  replaceFile(join(parent, FILE), `${JSON.stringify(pins, null, 2)}\n`, 0o644)
}

/** A hash of everything that an agent would get: names, contents, what can be run. Rejects when a file cannot be read. */
export async function skillDigest(found: FoundSkill): Promise<string> {
  const hash = createHash('sha256')
  for (const file of found.files) {
    const content = await readPlainFile(join(found.folder, file.path), file.bytes)
    hash.update(`${JSON.stringify([file.path, file.executable, content.length])}\n`).update(content)
  }
  return hash.digest('hex')
}
