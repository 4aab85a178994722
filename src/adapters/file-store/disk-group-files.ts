import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { CreelError, errorText } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import { type KeptFile, outdated } from '../../domain/outdated-files.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { FileHash, GroupFiles } from '../../domain/ports/files.ts'
import type { Paths } from '../../paths.ts'

const NAME = /^([0-9a-f]{64})(?:\.[a-z0-9]{1,8})?$/

export interface DiskGroupFilesOptions {
  readonly paths: Paths
  readonly clock: Pick<Clock, 'now'>
  readonly maxBytes: number
  readonly keepMs: number
  readonly inUse: () => ReadonlySet<FileHash>
}

/** Second names of stored files, in the folder that a sandbox sees read-only: they cost no disk of their own. */
export class DiskGroupFiles implements GroupFiles {
  readonly #options: DiskGroupFilesOptions

  constructor(options: DiskGroupFilesOptions) {
    this.#options = options
  }

  give(group: GroupName, name: string, file: { readonly path: string; readonly bytes: number }): boolean {
    if (!NAME.test(name)) throw new CreelError('internal', `not a name for a file: ${name}`)
    const folder = this.#options.paths.filesIn(group)
    const path = join(folder, name)
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 })
      if (existsSync(path)) return true
      if (!this.#makeRoom(folder, file.bytes)) return false
      link(file.path, path)
      return true
    } catch (error) {
      throw new CreelError('unavailable', `a file cannot be given to ${group}: ${errorText(error)}`, {
        hint: 'check the disk of the data directory',
        cause: error,
      })
    }
  }

  #makeRoom(folder: string, bytes: number): boolean {
    const { clock, keepMs, maxBytes, inUse } = this.#options
    const files = readdirSync(folder).flatMap((name): KeptFile[] => {
      const hash = NAME.exec(name)?.[1]
      const stat = lstatSync(join(folder, name), { throwIfNoEntry: false })
      return hash && stat ? [{ name, hash, bytes: stat.size, usedAt: stat.mtimeMs }] : []
    })
    const gone = outdated(files, { now: clock.now(), keepMs, maxBytes: maxBytes - bytes, inUse: inUse() })
    for (const name of gone) rmSync(join(folder, name), { force: true })
    const left = files.filter(({ name }) => !gone.includes(name))
    return left.reduce((sum, { bytes: size }) => sum + size, bytes) <= maxBytes
  }
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    // Another file system, or one without links.
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK') throw error
    const draft = `${to}.new`
    copyFileSync(from, draft)
    renameSync(draft, to)
  }
}
