import { chmod, lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CreelError } from '../../domain/errors.ts'
import { isSkillName } from '../../domain/skill.ts'
import { type FoundSkill, readPlainFile, readSkill } from './read-skill.ts'
import { changePins, skillDigest } from './skill-pins.ts'

/** What a person is shown before a skill is let in. */
export interface SkillReport {
  readonly name: string
  readonly description: string
  readonly sha256: string
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly executable: boolean }[]
}

/** Looks at a folder with a SKILL.md, wherever it lies. Throws CreelError `invalid` that names what is wrong. */
export async function lookAtSkill(folder: string): Promise<SkillReport> {
  return reportOf(await soundSkill(folder))
}

/**
 * Copies a skill below `parent` and pins it, so that agents get it as it is now or not at all. Nothing is followed, and
 * only plain files come along. Throws CreelError `invalid`, or `conflict` when the name is taken and `replace` is not set.
 */
export async function addSkill(folder: string, parent: string, replace: boolean): Promise<SkillReport> {
  const found = await soundSkill(folder)
  const target = join(parent, found.name)
  if ((await exists(target)) && !replace)
    throw new CreelError('conflict', `there is a skill ${found.name} already: ${target}`, {
      hint: 'add --replace to put this one in its place',
    })
  const draft = join(parent, `.${found.name}.new`)
  await rm(draft, { recursive: true, force: true })
  for (const file of found.files) {
    const path = join(draft, file.path)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, await readPlainFile(join(found.folder, file.path), file.bytes), { flag: 'wx' })
    await chmod(path, file.executable ? 0o755 : 0o644)
  }
  // Of the copy, which is what agents get: the source may change while it is read.
  const report = await reportOf(await soundSkill(draft, found.name))
  await rm(target, { recursive: true, force: true })
  await rename(draft, target)
  await changePins(parent, (pins) => ({ ...pins, [found.name]: report.sha256 }))
  return report
}

/** Says that what lies there now is what agents may have. Throws CreelError `invalid` for a broken one. */
export async function pinSkill(parent: string, name: string): Promise<SkillReport> {
  const report = await lookAtSkill(join(parent, checkedName(name)))
  await changePins(parent, (pins) => ({ ...pins, [name]: report.sha256 }))
  return report
}

/** Takes a skill away for good. Throws CreelError `not_found`. */
export async function removeSkill(parent: string, name: string): Promise<void> {
  const folder = join(parent, checkedName(name))
  if (!(await exists(folder))) throw new CreelError('not_found', `there is no skill ${name}: ${folder}`)
  await rm(folder, { recursive: true })
  await changePins(parent, ({ [name]: _, ...pins }) => pins)
}

async function soundSkill(folder: string, name?: string): Promise<FoundSkill> {
  const path = resolve(folder)
  const found = await readSkill(path, name ?? basename(path))
  if (!('problem' in found)) return found
  throw new CreelError('invalid', `${path}: ${found.problem}`, {
    hint: 'expected a folder with a SKILL.md whose "name:" is that of the folder',
  })
}

async function reportOf(found: FoundSkill): Promise<SkillReport> {
  const files = found.files.map(({ path, bytes, executable }) => ({ path, bytes, executable }))
  return { name: found.name, description: found.description, sha256: await skillDigest(found), files }
}

function checkedName(name: string): string {
  if (isSkillName(name)) return name
  throw new CreelError('invalid', `name of a skill: expected a-z, 0-9 and single -, got ${name}`)
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
