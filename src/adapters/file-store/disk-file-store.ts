import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { link, open, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { FILES_FOLDER } from '@creel/protocol'
import { CreelError, errorText } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import { type KeptFile, outdated } from '../../domain/outdated-files.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import { type FileHash, FileRefusedError, type FileStore, type StoredFile } from '../../domain/ports/files.ts'
import type { Paths } from '../../paths.ts'
import { FileChildren } from './file-child.ts'
import type { FileAnswer } from './wire.ts'

const HASH = /^[0-9a-f]{64}$/
const INCOMING = 'incoming'

export interface DiskFileStoreOptions {
  readonly paths: Paths
  readonly clock: Pick<Clock, 'now'>
  /** All files together. */
  readonly maxBytes: number
  /** Files that nothing waits for go after this long without being used. */
  readonly keepMs: number
  /** Files that something waits for. */
  readonly inUse: () => ReadonlySet<FileHash>
  readonly onFault: (what: string, error: unknown) => void
  /** Bounds the reading of one file. */
  readonly deadlineMs?: number
}

/** Files in one folder of the data directory, which the sandboxes do not see. */
export class DiskFileStore implements FileStore {
  readonly #options: DiskFileStoreOptions
  readonly #children: FileChildren
  /** One after the other: making room and moving in must not mix. */
  #moving: Promise<unknown> = Promise.resolve()
  #prepared = false

  constructor(options: DiskFileStoreOptions) {
    this.#options = options
    this.#children = new FileChildren(
      options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs },
    )
  }

  async add(source: AsyncIterable<Uint8Array>, maxBytes: number, signal: AbortSignal): Promise<StoredFile> {
    const draft = this.#draft()
    try {
      const written = await writeDraft(source, draft, maxBytes, signal)
      const seen = await this.#children.read({ from: draft, maxBytes })
      // Only what the bytes are called is asked of the child here; a file that it fails on is just no image.
      const image = seen.kind === 'read' && seen.sha256 === written.sha256 ? seen.image : null
      return await this.#moveIn(draft, { ...written, image })
    } finally {
      await rm(draft, { force: true })
    }
  }

  async collect(group: GroupName, sha256: FileHash, bytes: number): Promise<StoredFile> {
    if (!HASH.test(sha256)) throw new FileRefusedError('its name is no hash')
    const draft = this.#draft()
    try {
      // The folder above is the host's own; what lies in it is looked at by the child alone.
      const from = join(realpathSync(this.#options.paths.mailOut(group)), FILES_FOLDER, sha256)
      const answer = await this.#children.read({ from, to: draft, maxBytes: Math.max(1, bytes) })
      return await this.#moveIn(draft, checked(answer, sha256, bytes))
    } finally {
      await rm(draft, { force: true })
    }
  }

  path(sha256: FileHash): string | null {
    if (!HASH.test(sha256)) return null
    const path = join(this.#options.paths.filesDir, sha256)
    return existsSync(path) ? path : null
  }

  async sweep(): Promise<void> {
    try {
      this.#prepare()
      await this.#inTurn(() => this.#makeRoom(0))
    } catch (error) {
      this.#options.onFault('old files were not removed', error)
    }
  }

  async close(): Promise<void> {
    this.#children.close()
    await this.#moving.catch(() => undefined)
  }

  async #moveIn(draft: string, file: StoredFile): Promise<StoredFile> {
    await this.#inTurn(async () => {
      const path = join(this.#options.paths.filesDir, file.sha256)
      const now = new Date(this.#options.clock.now())
      if (existsSync(path)) {
        await utimes(path, now, now)
        return
      }
      if (!(await this.#makeRoom(file.bytes))) throw this.#full(file)
      await utimes(draft, now, now)
      await link(draft, path)
      const folder = await open(this.#options.paths.filesDir, 'r')
      await folder.sync().finally(() => folder.close())
    })
    return file
  }

  #full({ bytes }: StoredFile): FileRefusedError {
    const limit = Math.round(this.#options.maxBytes / 1_000_000)
    return new FileRefusedError(`there is no room for ${bytes} more bytes of files (limit ${limit} MB)`, {
      hint: 'raise files.total_mb in creel.toml',
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#moving.then(work)
    this.#moving = done.catch(() => undefined)
    return done
  }

  /** Removes what is too old, and the oldest until `bytes` more fit; false when they do not. */
  async #makeRoom(bytes: number): Promise<boolean> {
    const { clock, keepMs, maxBytes, inUse } = this.#options
    const files = await this.#kept()
    const gone = outdated(files, { now: clock.now(), keepMs, maxBytes: maxBytes - bytes, inUse: inUse() })
    for (const name of gone) await rm(join(this.#options.paths.filesDir, name), { force: true })
    const left = files.filter(({ name }) => !gone.includes(name))
    return left.reduce((sum, file) => sum + file.bytes, bytes) <= maxBytes
  }

  async #kept(): Promise<KeptFile[]> {
    const folder = this.#options.paths.filesDir
    const names = (await readdir(folder)).filter((name) => HASH.test(name))
    return await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(folder, name))
        return { name, hash: name, bytes: size, usedAt: mtimeMs }
      }),
    )
  }

  #draft(): string {
    this.#prepare()
    return join(realpathSync(join(this.#options.paths.filesDir, INCOMING)), randomUUID())
  }

  /** Makes the folders, and clears what an earlier process left half written. */
  #prepare(): void {
    const incoming = join(this.#options.paths.filesDir, INCOMING)
    if (this.#prepared && existsSync(incoming)) return
    try {
      if (!this.#prepared) rmSync(incoming, { recursive: true, force: true })
      mkdirSync(this.#options.paths.filesDir, { recursive: true, mode: 0o700 })
      mkdirSync(incoming, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw new CreelError('unavailable', `no folder for files: ${errorText(error)}`, { cause: error })
    }
    this.#prepared = true
  }
}

async function writeDraft(
  source: AsyncIterable<Uint8Array>,
  draft: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Pick<StoredFile, 'sha256' | 'bytes'>> {
  const hash = createHash('sha256')
  const file = await open(draft, 'wx', 0o644)
  let bytes = 0
  try {
    for await (const piece of source) {
      signal.throwIfAborted()
      bytes += piece.byteLength
      if (bytes > maxBytes)
        throw new FileRefusedError(`it is too large: limit ${Math.round(maxBytes / 1_000_000)} MB`)
      hash.update(piece)
      await file.writeFile(piece)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sha256: hash.digest('hex'), bytes }
}

function checked(answer: FileAnswer, sha256: FileHash, bytes: number): StoredFile {
  if (answer.kind === 'refused') throw new FileRefusedError(answer.reason)
  if (answer.kind === 'failed') throw new CreelError('unavailable', answer.reason)
  if (answer.sha256 !== sha256 || answer.bytes !== bytes)
    throw new FileRefusedError('its bytes are not those that were announced')
  const { image, voice } = answer
  return { sha256, bytes, image, ...(voice ? { voice } : {}) }
}
