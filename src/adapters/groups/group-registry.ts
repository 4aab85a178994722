import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import type { Groups } from '../../config/groups.ts'
import { problemsOf } from '../../config/problems.ts'
import { GroupConfig, PROVIDERS } from '../../config/schema.ts'
import { ConfigError, CreelError, errorText } from '../../domain/errors.ts'
import { type GroupName, isGroupName } from '../../domain/ids.ts'
import { type PackageList, packagesKey } from '../../domain/packages.ts'
import type { Paths } from '../../paths.ts'
import { replaceFile } from '../../replace-file.ts'

const INSTRUCTIONS = `# Who you are

You are a helpful agent. Answer briefly, in the language of the person who asks.
`

/** Times of files come in steps of a few milliseconds; a clock that jumps ahead must not matter. */
const SETTLED_MS = 2_000

/** Bytes; more than any runtime takes: the runner shortens it to the limit of its own. */
const MAX_INSTRUCTIONS = 256 * 1024

/** What an add that was killed can leave. */
const BEGUN = ['AGENTS.md', 'AGENTS.md.new', 'container.json.new']

/** A link to nothing is there, too. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/**
 * Changes whenever the file does; null while that cannot be told, because there is none or it is so new that it could
 * change again without another time.
 */
function stampOf(file: string, now: number): string | null {
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found || now - found.ctimeMs < SETTLED_MS) return null
  return [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs].join()
}

/** What is handed out many times is nobody's to change. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

/** Agents as folders below `groups/`, each with a container.json. */
export class GroupRegistry implements Groups {
  readonly #paths: Paths
  readonly #known = new Map<GroupName, { readonly stamp: string; readonly config: GroupConfig }>()

  readonly #now: () => number

  /** `now` in milliseconds since 1970: the clock of the file system. */
  constructor(paths: Paths, now: () => number = Date.now) {
    this.#paths = paths
    this.#now = now
  }

  names(): readonly GroupName[] {
    if (!existsSync(this.#paths.groupsDir)) return []
    return readdirSync(this.#paths.groupsDir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isGroupName(entry.name))
      .map((entry) => entry.name as GroupName)
      .filter((name) => this.exists(name))
      .sort()
  }

  exists(group: GroupName): boolean {
    return existsSync(this.#paths.groupConfig(group))
  }

  isTaken(group: GroupName, begunWith?: string): boolean {
    // Whole folders: a runtime's home and the mail lie in them, whatever else is gone.
    const kept = [dirname(this.#paths.home(group)), dirname(this.#paths.mailIn(group))]
    if (kept.some(isThere)) return true
    if (!isThere(this.#paths.groupDir(group))) return false
    return begunWith === undefined || !this.#isBegun(group, begunWith)
  }

  /** Nothing in the folder but what add() writes before the settings. */
  #isBegun(group: GroupName, instructions: string): boolean {
    const folder = this.#paths.groupDir(group)
    if (!lstatSync(folder).isDirectory()) return false
    const found = readdirSync(folder, { withFileTypes: true })
    if (!found.every((entry) => entry.isFile() && BEGUN.includes(entry.name))) return false
    return !found.some(({ name }) => name === 'AGENTS.md') || this.instructions(group).text === instructions
  }

  /** An unchanged file is not read again: it is asked for with every message. */
  load(group: GroupName): GroupConfig {
    const file = this.#paths.groupConfig(group)
    const stamp = stampOf(file, this.#now())
    const known = this.#known.get(group)
    if (known !== undefined && known.stamp === stamp) return known.config
    this.#known.delete(group)
    const config = this.#read(file)
    // Read after its time was taken: what changed in between has another time at the next call.
    if (stamp !== null) this.#known.set(group, { stamp, config })
    return config
  }

  #read(file: string): GroupConfig {
    let raw: unknown
    try {
      raw = JSON.parse(readFileSync(file, 'utf8'))
    } catch (error) {
      throw new ConfigError(file, [`not valid JSON (${errorText(error)})`])
    }
    const result = GroupConfig.safeParse(raw)
    if (!result.success) throw new ConfigError(file, problemsOf(result.error, raw))
    const config = result.data
    if (!PROVIDERS.some((name) => name === config.provider)) {
      const known = PROVIDERS.map((name) => JSON.stringify(name)).join(' or ')
      throw new ConfigError(file, [`provider: expected ${known}, got ${JSON.stringify(config.provider)}`])
    }
    return frozen(config)
  }

  instructions(group: GroupName): { text: string; ofBytes?: number } {
    const file = join(this.#paths.groupDir(group), 'AGENTS.md')
    if (!existsSync(file)) return { text: '' }
    const open = openSync(file, 'r')
    try {
      const { size } = fstatSync(open)
      const buffer = Buffer.alloc(Math.min(size, MAX_INSTRUCTIONS))
      const read = readSync(open, buffer, 0, buffer.length, 0)
      // Without the half of a character that the bound may have left at its end.
      const text = new TextDecoder().decode(buffer.subarray(0, read), { stream: true })
      return size > MAX_INSTRUCTIONS ? { text, ofBytes: size } : { text }
    } finally {
      closeSync(open)
    }
  }

  add(group: GroupName, config: Partial<GroupConfig>, instructions = INSTRUCTIONS): void {
    const file = this.#paths.groupConfig(group)
    if (existsSync(file)) {
      throw new CreelError('conflict', `the group ${group} exists already`, { hint: `see ${file}` })
    }
    mkdirSync(this.#paths.groupDir(group), { recursive: true })
    const text = join(this.#paths.groupDir(group), 'AGENTS.md')
    if (!existsSync(text)) replaceFile(text, instructions, 0o644)
    replaceFile(file, `${JSON.stringify(config, null, 2)}\n`, 0o644)
  }

  letAsk(group: GroupName, other: GroupName, about: string): void {
    const file = this.#paths.groupConfig(group)
    // What cannot be read is not to be written over.
    const { agents } = this.#read(file)
    if (agents[other]?.send) return
    this.#change(group, {
      agents: { ...agents, [other]: { hear: 'no', ...agents[other], send: true, about } },
    })
  }

  setPackages(group: GroupName, packages: PackageList): void {
    const { packages: known } = this.#read(this.#paths.groupConfig(group))
    if (packagesKey(known) === packagesKey(packages)) return
    const named = Object.entries(packages).filter(([, names]) => names.length > 0)
    this.#change(group, { packages: named.length === 0 ? undefined : Object.fromEntries(named) })
  }

  /** Keys of container.json written anew, the others as they are. */
  #change(group: GroupName, keys: Record<string, unknown>): void {
    const file = this.#paths.groupConfig(group)
    const raw = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')))
    replaceFile(file, `${JSON.stringify({ ...raw, ...keys }, null, 2)}\n`, 0o644)
    this.#known.delete(group)
  }

  remove(group: GroupName): string {
    if (!this.exists(group)) throw new CreelError('not_found', `there is no group ${group}`)
    // Beside the others: the data directory may be another file system, to which a folder cannot be renamed.
    const target = putAside(this.#paths.groupDir(group))
    // What the runtime knows of its conversations: another agent of that name must not go on with them.
    const agent = dirname(this.#paths.home(group))
    if (existsSync(agent)) putAside(agent)
    return target
  }
}

/** Into `.removed` beside it, under a name that is free there. */
function putAside(folder: string): string {
  const removed = join(dirname(folder), '.removed')
  mkdirSync(removed, { recursive: true })
  let target = join(removed, basename(folder))
  for (let n = 2; existsSync(target); n += 1) target = join(removed, `${basename(folder)}.${n}`)
  renameSync(folder, target)
  return target
}
