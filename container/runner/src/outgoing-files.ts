import { createHash, randomUUID } from 'node:crypto'
import { constants, rmSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MAX_FILE_BYTES, type OutboxFile } from '@creel/protocol'
import { type EventLog, errorText } from './log.ts'
import { sizeText } from './turn-attachments.ts'

const CHUNK = 256 * 1024
const DRAFT = '.draft-'
const HASH = /^[0-9a-f]{64}$/

/** A file as the agent names it. */
export interface FileToSend {
  /** Absolute, or relative to the workspace. */
  readonly path: string
  /** Shown to people; the file's own name without it. */
  readonly name?: string | undefined
  readonly caption?: string | undefined
}

/** A file that lies in `out/files` and can be named by an outbox entry. */
export type KeptFile = Omit<OutboxFile, 'type' | 'inboxSeq'>

/** Why a file cannot be sent, in words for the agent. */
export class FileNotSent extends Error {
  override name = 'FileNotSent'
}

/**
 * The files beside the outbox. Each is copied when the agent sends it, so that what is delivered is what was meant,
 * and stays until the host has taken the entry that names it.
 */
export class OutgoingFiles {
  readonly #folder: string
  readonly #workspaceDir: string
  readonly #log: EventLog
  /** Copied, and perhaps not named by an entry yet: how many times. */
  readonly #held = new Map<string, number>()
  readonly #drafts = new Set<string>()

  constructor(options: { folder: string; workspaceDir: string; log: EventLog }) {
    this.#folder = options.folder
    this.#workspaceDir = options.workspaceDir
    this.#log = options.log
  }

  /**
   * Copies a file to where the host takes it from. Call `release` once the entry is written or given up. Throws
   * FileNotSent with words for the agent. May run concurrently.
   */
  async keep({ path, name, caption }: FileToSend): Promise<KeptFile> {
    const source = path.startsWith('/') ? path : join(this.#workspaceDir, path)
    const draftName = `${DRAFT}${randomUUID()}`
    const draft = join(this.#folder, draftName)
    this.#drafts.add(draftName)
    try {
      await mkdir(this.#folder, { recursive: true })
      const { file, bytes } = await copyBounded(source, draft)
      this.#held.set(file, (this.#held.get(file) ?? 0) + 1)
      await rename(draft, join(this.#folder, file))
      const shown = cleanName(name ?? basename(source))
      return { file, name: shown, mime: 'application/octet-stream', bytes, ...captionOf(caption) }
    } catch (error) {
      await rm(draft, { force: true }).catch((left: unknown) => this.#notRemoved(left))
      if (error instanceof FileNotSent) throw error
      throw new FileNotSent(`${path} cannot be read: ${errorText(error)}`, { cause: error })
    } finally {
      this.#drafts.delete(draftName)
    }
  }

  /** The entry that names it stands in the outbox, or never will. */
  release(file: string): void {
    const held = this.#held.get(file) ?? 0
    if (held > 1) this.#held.set(file, held - 1)
    else this.#held.delete(file)
  }

  /**
   * Removes what `named()` does not name and what is not on its way. Looked at and removed in one go, so that nothing
   * can come in between. Best effort; never rejects.
   */
  async sweep(named: () => ReadonlySet<string>): Promise<void> {
    try {
      const files = (await readdir(this.#folder)).filter((entry) => HASH.test(entry))
      if (files.length === 0) return
      const wanted = named()
      for (const file of files) {
        if (!wanted.has(file) && !this.#held.has(file)) rmSync(join(this.#folder, file), { force: true })
      }
    } catch (error) {
      this.#notRemoved(error)
    }
  }

  /** Removes what an earlier runner left behind: half-copied, or never named. Never rejects. */
  async start(named: () => ReadonlySet<string>): Promise<void> {
    await this.sweep(named)
    try {
      for (const entry of await readdir(this.#folder)) {
        if (entry.startsWith(DRAFT) && !this.#drafts.has(entry)) rmSync(join(this.#folder, entry))
      }
    } catch (error) {
      this.#notRemoved(error)
    }
  }

  #notRemoved(error: unknown): void {
    // Before anything was ever sent, there may be no folder.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    this.#log('files_not_removed', { error: errorText(error) })
  }
}

async function copyBounded(source: string, target: string): Promise<{ file: string; bytes: number }> {
  // Without O_NONBLOCK a FIFO without a writer would keep this waiting for ever.
  const from = await open(source, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await from.stat()
    if (!stat.isFile())
      throw new FileNotSent(`${source} is not a file: send a file, or make an archive of it`)
    if (stat.size > MAX_FILE_BYTES) throw tooLarge(source, stat.size)
    const to = await open(target, 'wx', 0o644)
    try {
      const copied = await copyBytes(from, to, source)
      await to.sync()
      return copied
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

async function copyBytes(
  from: FileHandle,
  to: FileHandle,
  source: string,
): Promise<{ file: string; bytes: number }> {
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(CHUNK)
  let bytes = 0
  for (;;) {
    const { bytesRead } = await from.read(chunk, 0, CHUNK)
    if (bytesRead === 0) break
    bytes += bytesRead
    if (bytes > MAX_FILE_BYTES) throw tooLarge(source, bytes)
    hash.update(chunk.subarray(0, bytesRead))
    await to.writeFile(chunk.subarray(0, bytesRead))
  }
  if (bytes === 0) throw new FileNotSent(`${source} is empty`)
  return { file: hash.digest('hex'), bytes }
}

function tooLarge(source: string, bytes: number): FileNotSent {
  const limit = sizeText(MAX_FILE_BYTES)
  return new FileNotSent(`${source} has ${sizeText(bytes)}, more than the ${limit} that can be sent`)
}

function captionOf(caption: string | undefined): Pick<KeptFile, 'caption'> {
  return caption === undefined || caption.trim() === '' ? {} : { caption: caption.slice(0, 4_000) }
}

/** One line without a path, as people see it. */
function cleanName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const clean = last
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(-200)
  return clean === '' || clean === '.' || clean === '..' ? 'file' : clean
}
