import { chmod, lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { Skill, SkillSet, Skills } from '../../domain/ports/skills.ts'
import { type ImagePart, isSkillName } from '../../domain/skill.ts'
import type { Paths } from '../../paths.ts'
import { type FoundSkill, readPlainFile, readSkill } from './read-skill.ts'
import { pinsMark, readPins, type SkillPins, skillDigest } from './skill-pins.ts'

/** Of one group. Each costs a line or two of every request to the model. */
const MAX_SKILLS = 64

interface Candidate {
  readonly folder: string
  readonly own: boolean
  readonly pins: SkillPins
}

interface Found {
  readonly chosen: readonly { readonly skill: Skill; readonly found: FoundSkill }[]
  readonly leftOut: SkillSet['leftOut']
  readonly unfit: SkillSet['unfit']
}

/**
 * Skills as folders: those below `skills/` for every group, those below the group's own `skills/`, which win over
 * shared ones of the same name. A sandbox never sees these folders themselves but a copy that was checked.
 */
export class SkillFolders implements Skills {
  readonly #paths: Paths
  /** What each group's copy was made of. */
  readonly #placed = new Map<GroupName, string>()

  constructor(paths: Paths) {
    this.#paths = paths
  }

  async find(
    group: GroupName,
    wanted: readonly string[] | undefined,
    image: readonly ImagePart[] = [],
  ): Promise<SkillSet> {
    const { chosen, leftOut, unfit } = await this.#look(group, wanted, image)
    return { skills: chosen.map(({ skill }) => skill), leftOut, unfit }
  }

  mark(group: GroupName): string {
    return pinsMark(this.#paths.groupSkills(group))
  }

  async place(
    group: GroupName,
    wanted: readonly string[] | undefined,
    image: readonly ImagePart[] = [],
  ): Promise<SkillSet> {
    const { chosen, leftOut, unfit } = await this.#look(group, wanted, image)
    const target = this.#paths.placedSkills(group)
    const made = JSON.stringify(
      chosen.map(({ found }) => [found.folder, found.files.map(({ mark }) => mark)]),
    )
    const broken: { name: string; problem: string }[] = []
    if (this.#placed.get(group) !== made || !(await isFolder(target))) {
      this.#placed.delete(group)
      await this.#copy(target, chosen, broken)
      if (broken.length === 0) this.#placed.set(group, made)
    }
    const gone = new Set(broken.map(({ name }) => name))
    const skills = chosen.map(({ skill }) => skill).filter(({ name }) => !gone.has(name))
    return { skills, leftOut: [...leftOut, ...broken], unfit }
  }

  async #look(
    group: GroupName,
    wanted: readonly string[] | undefined,
    image: readonly ImagePart[],
  ): Promise<Found> {
    const places = [
      { parent: this.#paths.groupSkills(group), own: true },
      { parent: this.#paths.skillsDir, own: false },
    ]
    const candidates = new Map<string, Candidate>()
    const leftOut: { name: string; problem: string }[] = []
    for (const { parent, own } of places) {
      const pins = await pinsOf(parent)
      if ('problem' in pins) {
        leftOut.push({ name: `all of ${parent}`, problem: pins.problem })
        continue
      }
      for (const name of await foldersIn(parent))
        if (!candidates.has(name)) candidates.set(name, { folder: join(parent, name), own, pins: pins.known })
    }
    for (const name of wanted ?? [])
      if (!candidates.has(name)) leftOut.push({ name, problem: `there is no folder skills/${name}` })
    const chosen: { skill: Skill; found: FoundSkill }[] = []
    const unfit: { name: string; problem: string }[] = []
    for (const [name, { folder, own, pins }] of [...candidates].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (wanted !== undefined && !wanted.includes(name)) continue
      const found = await lookAt(folder, name, pins)
      if ('problem' in found) leftOut.push({ name, problem: found.problem })
      else if (found.image !== undefined && !image.includes(found.image))
        (wanted === undefined ? unfit : leftOut).push({ name, problem: lacks(found.image) })
      else if (chosen.length >= MAX_SKILLS)
        leftOut.push({
          name,
          problem: `an agent can have ${MAX_SKILLS}: name those it is to have in container.json`,
        })
      else chosen.push({ skill: { name, description: found.description, own }, found })
    }
    return { chosen, leftOut, unfit }
  }

  /** Built beside and put in place as a whole. A skill that changes meanwhile is left out and named in `broken`. */
  async #copy(
    target: string,
    chosen: Found['chosen'],
    broken: { name: string; problem: string }[],
  ): Promise<void> {
    const fresh = join(dirname(target), `.${target.slice(dirname(target).length + 1)}.new`)
    try {
      await rm(fresh, { recursive: true, force: true })
      await makeOpen(fresh)
      for (const { skill, found } of chosen) {
        const problem = await copySkill(found, join(fresh, skill.name))
        if (problem !== null) broken.push({ name: skill.name, problem })
      }
      await rm(target, { recursive: true, force: true })
      await rename(fresh, target)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error'
      throw new CreelError('unavailable', `cannot write the skills to ${target}: ${code}`, {
        hint: 'the data directory must be on a disk that can be written and has room',
        cause: error,
      })
    }
  }
}

async function lookAt(
  folder: string,
  name: string,
  pins: SkillPins,
): Promise<FoundSkill | { problem: string }> {
  if (!isSkillName(name)) return { problem: 'name of its folder: expected a-z, 0-9 and single -, at most 64' }
  if ((await lstat(folder)).isSymbolicLink())
    return { problem: 'it is a symbolic link, which is not followed' }
  const found = await readSkill(folder, name)
  const pin = Object.hasOwn(pins, name) ? pins[name] : undefined
  if ('problem' in found || pin === undefined || (await digestOf(found)) === pin) return found
  return { problem: `it is not what was let in: look at it, then "creel skills pin ${name}"` }
}

function lacks(part: ImagePart): string {
  return `the agent's image lacks what it needs: "image": {"${part}": true} in container.json adds it`
}

/** With pins that cannot be read nobody knows what was let in. */
async function pinsOf(parent: string): Promise<{ known: SkillPins } | { problem: string }> {
  try {
    return { known: await readPins(parent) }
  } catch (error) {
    if (error instanceof CreelError) return { problem: error.message }
    throw error
  }
}

/** Null when a file cannot be read, which no pin is. */
async function digestOf(found: FoundSkill): Promise<string | null> {
  try {
    return await skillDigest(found)
  } catch {
    return null
  }
}

/** Names of what may be a skill: everything but files such as a README, and what begins with a dot. */
async function foldersIn(parent: string): Promise<string[]> {
  try {
    const entries = await readdir(parent, { withFileTypes: true })
    return entries.filter((entry) => !entry.isFile() && !entry.name.startsWith('.')).map(({ name }) => name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** Null, or what was wrong with its files; throws when the copy cannot be written. */
async function copySkill(found: FoundSkill, target: string): Promise<string | null> {
  await makeOpen(target)
  for (const file of found.files) {
    let content: Buffer
    try {
      content = await readPlainFile(join(found.folder, file.path), file.bytes)
    } catch (error) {
      await rm(target, { recursive: true, force: true })
      return `${file.path} cannot be read: ${error instanceof Error ? error.message : String(error)}`
    }
    const path = join(target, file.path)
    await makeOpenBelow(target, dirname(file.path))
    await writeFile(path, content, { flag: 'wx' })
    await chmod(path, file.executable ? 0o755 : 0o644)
  }
  return null
}

/** A folder that the sandbox's account can read, whatever the umask; those above it are the host's alone. */
async function makeOpen(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
}

async function makeOpenBelow(parent: string, path: string): Promise<void> {
  if (path === '.') return
  await makeOpenBelow(parent, dirname(path))
  await makeOpen(join(parent, path))
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
