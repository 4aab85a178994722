import { randomBytes } from 'node:crypto'
import type { FileKind } from '@creel/protocol'
import type { UnixMs, UserId } from '../../../domain/ids.ts'
import type { InboundFile } from '../../../domain/message.ts'
import type { StoredFile } from '../../../domain/ports/files.ts'
import { cleanName } from '../../../markdown/clean-text.ts'

/** A file that was uploaded waits so long for the message it belongs to. */
const KEEP_MS = 1_800_000
const MAX_WAITING = 500

interface Upload {
  readonly user: UserId
  readonly file: InboundFile
  readonly at: UnixMs
}

/** Files between their upload and their message, by a name that cannot be guessed. In memory: the page sends again. */
export class Uploads {
  readonly #waiting = new Map<string, Upload>()

  /** Remembers a stored file under a new name. */
  add(user: UserId, stored: StoredFile, name: string, type: string, now: UnixMs): string {
    this.#forgetOld(now)
    const id = randomBytes(18).toString('base64url')
    const shown = cleanName(name, 150).replaceAll('/', '_') || 'file'
    const mime = stored.image?.mime ?? (/^[\w.+-]{1,50}\/[\w.+-]{1,50}$/.test(type) ? type : OCTETS)
    const file = { kind: kindOf(stored, mime), name: shown, mime, bytes: stored.bytes, from: { stored } }
    this.#waiting.set(id, { user, file, at: now })
    return id
  }

  /** The files of a message; null when one of them is not (any more) there for this person. */
  take(user: UserId, ids: readonly string[], now: UnixMs): InboundFile[] | null {
    this.#forgetOld(now)
    const found = ids.map((id) => this.#waiting.get(id))
    if (!found.every((upload) => upload?.user === user)) return null
    return found.flatMap((upload) => (upload ? [upload.file] : []))
  }

  /** Oldest first, in the order in which they came. */
  #forgetOld(now: UnixMs): void {
    for (const [id, { at }] of this.#waiting) {
      if (this.#waiting.size < MAX_WAITING && now - at < KEEP_MS) return
      this.#waiting.delete(id)
    }
  }
}

const OCTETS = 'application/octet-stream'

function kindOf({ image }: StoredFile, mime: string): FileKind {
  if (image) return 'image'
  if (mime.startsWith('audio/')) return 'voice'
  return mime.startsWith('video/') ? 'video' : 'document'
}
