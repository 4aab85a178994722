import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GroupName } from '../../src/domain/ids.ts'
import {
  type FileHash,
  FileRefusedError,
  type FileStore,
  type ImageInfo,
  type StoredFile,
} from '../../src/domain/ports/files.ts'

/** Files in a folder of its own. Strict: a hash that is none, and any use after `close`, throw. */
export class FakeFileStore implements FileStore {
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-files-'))
  /** What the next files are shown to be. */
  image: ImageInfo | null = null
  /** When set, `add` and `collect` throw it. */
  failure: Error | undefined
  /** What sandboxes have left, by hash. */
  readonly left = new Map<FileHash, string>()
  /** What was asked for by `collect`, in order. */
  readonly collected: string[] = []
  readonly #stored = new Map<FileHash, string>()
  #closed = false

  async add(source: AsyncIterable<Uint8Array>, maxBytes: number, signal: AbortSignal): Promise<StoredFile> {
    this.#mustBeOpen()
    const pieces: Uint8Array[] = []
    let bytes = 0
    for await (const piece of source) {
      signal.throwIfAborted()
      bytes += piece.byteLength
      if (bytes > maxBytes) throw new FileRefusedError('it is too large')
      pieces.push(piece)
    }
    return this.put(Buffer.concat(pieces))
  }

  async collect(group: GroupName, sha256: FileHash, bytes: number): Promise<StoredFile> {
    this.#mustBeOpen()
    this.collected.push(`${group} ${sha256}`)
    const text = this.left.get(sha256)
    if (text?.length !== bytes) throw new FileRefusedError('it is not there')
    return this.put(Buffer.from(text))
  }

  /** Stores bytes as they are. */
  put(bytes: Uint8Array): StoredFile {
    if (this.failure) throw this.failure
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(this.folder, sha256), bytes)
    this.#stored.set(sha256, join(this.folder, sha256))
    return { sha256, bytes: bytes.byteLength, image: this.image }
  }

  path(sha256: FileHash): string | null {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`FakeFileStore: ${sha256} is no hash`)
    return this.#stored.get(sha256) ?? null
  }

  /** As if it had grown old. */
  forget(sha256: FileHash): void {
    this.#stored.delete(sha256)
  }

  async sweep(): Promise<void> {
    this.#mustBeOpen()
  }

  async close(): Promise<void> {
    this.#closed = true
    rmSync(this.folder, { recursive: true, force: true })
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new Error('FakeFileStore: used after close')
  }
}
