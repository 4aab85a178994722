import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { FileKind } from '@creel/protocol'
import { CreelError, errorText } from '../domain/errors.ts'
import type { ChatFile, InboundFile } from '../domain/message.ts'
import type { FileStore } from '../domain/ports/files.ts'
import { sizeText } from '../domain/size-text.ts'
import { cleanName } from '../markdown/clean-text.ts'

const READ_MS = 60_000

/**
 * Files of the terminal chat. The control socket is open to the account that Creel runs as alone, so a path says
 * nothing that its caller could not read.
 */
export class TerminalFiles {
  readonly #files: Pick<FileStore, 'add' | 'path'>
  readonly #maxBytes: number

  constructor(files: Pick<FileStore, 'add' | 'path'>, maxBytes: number) {
    this.#files = files
    this.#maxBytes = maxBytes
  }

  /** Takes a file of this machine into the store. Throws CreelError. */
  async take(path: string): Promise<InboundFile> {
    const found = await stat(path).catch((error: unknown) => {
      throw new CreelError('not_found', `${path} cannot be read: ${errorText(error)}`, { cause: error })
    })
    if (!found.isFile()) throw new CreelError('invalid', `${path} is not a file`)
    const stored = await this.#files.add(createReadStream(path), this.#maxBytes, AbortSignal.timeout(READ_MS))
    const kind: FileKind = stored.image ? 'image' : 'document'
    const mime = stored.image?.mime ?? 'application/octet-stream'
    return {
      kind,
      name: cleanName(basename(path), 150) || 'file',
      mime,
      bytes: stored.bytes,
      from: { stored },
    }
  }

  /** What a terminal shows of a file: where it lies on this machine. */
  describe({ name, bytes, sha256 }: ChatFile): string {
    const where = this.#files.path(sha256) ?? 'not kept any more'
    return `[file ${name}, ${sizeText(bytes)}: ${where}]`
  }
}
