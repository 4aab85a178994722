import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  createWriteStream,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
} from 'node:fs'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Header, type Pack, pack } from 'tar-stream'
import { CreelError, errorText } from '../../domain/errors.ts'
import { moveIntoPlace } from '../../replace-file.ts'
import { type BackupManifest, MANIFEST, type ManifestFile } from './manifest.ts'
import { type TreeEntry, walkTree } from './walk-tree.ts'

/** One folder (or file) that goes into the backup under a name of its own. */
export interface BackupRoot {
  readonly name: string
  readonly path: string
  /** Of names relative to the folder, with `/`. */
  readonly skip: (name: string) => boolean
}

export interface BackupReport {
  readonly files: number
  readonly bytes: number
  /** What could not be kept, and why. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[]
}

type TarName = Partial<Header> & { name: string }

const CHUNK = 256 * 1024

/**
 * Writes one gzipped tar with a manifest of checksums as its last entry, and moves it into place when it is whole.
 * Throws CreelError `unavailable` when the disk is full; then `file` is as it was.
 */
export async function writeBackup(
  file: string,
  roots: readonly BackupRoot[],
  about: Pick<BackupManifest, 'madeAt' | 'protocol'>,
  signal: AbortSignal,
): Promise<BackupReport> {
  const draft = `${file}.part`
  const tar = pack()
  const out = createWriteStream(draft, { mode: 0o600 })
  const written = finished(tar.pipe(createGzip({ level: 6 })).pipe(out), { signal })
  // Awaited at the end; a full disk must not be an unhandled rejection before.
  written.catch(() => undefined)
  const archive = new Archive(tar, written)
  try {
    for (const root of roots) {
      for (const entry of walkTree(root.path, root.skip)) {
        signal.throwIfAborted()
        await archive.add(root.name, entry)
      }
    }
    await archive.end(about)
    await written
  } catch (error) {
    tar.destroy()
    out.destroy()
    rmSync(draft, { force: true })
    throw new CreelError('unavailable', `${file} could not be written: ${errorText(error)}`, {
      hint: 'is there enough space? the backup is about as large as data and groups together',
      cause: error,
    })
  }
  const synced = openSync(draft, 'r')
  fsyncSync(synced)
  closeSync(synced)
  moveIntoPlace(draft, file)
  return archive.report()
}

class Archive {
  readonly #tar: Pack
  readonly #failed: Promise<never>
  readonly #files: ManifestFile[] = []
  readonly #skipped: { name: string; why: string }[] = []

  constructor(tar: Pack, written: Promise<void>) {
    this.#tar = tar
    this.#failed = written.then(() => new Promise<never>(() => undefined))
    this.#failed.catch(() => undefined)
  }

  async add(root: string, entry: TreeEntry): Promise<void> {
    const name = `${root}/${entry.name}`
    switch (entry.kind) {
      case 'skipped':
        this.#skipped.push({ name, why: entry.why })
        return
      case 'folder':
        return this.#whole({ ...common(name, entry), type: 'directory' }, '')
      case 'link':
        return this.#whole({ ...common(name, entry), type: 'symlink', linkname: entry.target }, '')
      case 'file':
        return this.#file(name, entry)
    }
  }

  async end(about: Pick<BackupManifest, 'madeAt' | 'protocol'>): Promise<void> {
    const manifest: BackupManifest = { ...about, creelBackup: 1, files: this.#files }
    await this.#whole({ name: MANIFEST }, JSON.stringify(manifest))
    this.#tar.finalize()
  }

  report(): BackupReport {
    const bytes = this.#files.reduce((sum, { size }) => sum + size, 0)
    return { files: this.#files.length, bytes, skipped: this.#skipped }
  }

  async #whole(header: TarName, body: string): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => this.#tar.entry(header, body, () => resolve())),
      this.#failed,
    ])
  }

  /** As many bytes as the file had when it was opened: one that grows is cut, one that shrinks is filled up. */
  async #file(name: string, entry: Extract<TreeEntry, { kind: 'file' }>): Promise<void> {
    let fd: number
    try {
      fd = entry.open()
    } catch (error) {
      this.#skipped.push({ name, why: errorText(error) })
      return
    }
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) return void this.#skipped.push({ name, why: 'not a file' })
      const sink = this.#tar.entry({ ...common(name, { stat }), size: stat.size })
      const hash = createHash('sha256')
      for (let done = 0; done < stat.size; ) {
        const chunk = Buffer.alloc(Math.min(CHUNK, stat.size - done))
        readSync(fd, chunk, 0, chunk.length, done)
        hash.update(chunk)
        done += chunk.length
        if (!sink.write(chunk)) await Promise.race([once(sink, 'drain'), this.#failed])
      }
      sink.end(null)
      this.#files.push({ name, size: stat.size, sha256: hash.digest('hex') })
    } finally {
      closeSync(fd)
    }
  }
}

function common(name: string, { stat }: { stat: Stats }): TarName {
  return { name, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, mtime: stat.mtime }
}
