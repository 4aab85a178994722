import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { KEPT_LOGS } from './host-log.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * The last `count` lines that fit, oldest first: of the log, and of those that were put aside before it as far as they
 * are needed. A log that is put aside meanwhile may be missed or shown twice.
 */
export function lastLines(path: string, count: number, fits: (line: string) => boolean): string[] {
  const files = [path, ...Array.from({ length: KEPT_LOGS }, (_, index) => `${path}.${index + 1}`)]
  let found: string[] = []
  for (const file of files) {
    if (found.length >= count) break
    if (!existsSync(file)) continue
    const lines = readFileSync(file, 'utf8').split('\n')
    found = [...lines.filter((line) => line !== '' && fits(line)), ...found]
  }
  return count === 0 ? [] : found.slice(-count)
}

/** Follows a log as it grows, from its end on, through rotations: what was written before one is read first. */
export class LogTail implements Disposable {
  readonly #path: string
  #fd: number
  #offset: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, 'r')
    this.#offset = fstatSync(this.#fd).size
  }

  /** Whole lines since the last call. */
  read(): string[] {
    const lines = this.#toEnd()
    while (this.#isPutAside()) {
      const next = openSync(this.#path, 'r')
      // Between the last look and the rotation.
      lines.push(...this.#toEnd())
      closeSync(this.#fd)
      this.#fd = next
      this.#offset = 0
      lines.push(...this.#toEnd())
    }
    return lines
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  /** For an instant of each rotation there is no file. */
  #isPutAside(): boolean {
    const now = statSync(this.#path, { throwIfNoEntry: false })
    return now !== undefined && now.ino !== fstatSync(this.#fd).ino
  }

  #toEnd(): string[] {
    if (fstatSync(this.#fd).size < this.#offset) this.#offset = 0
    const chunks = [this.#rest]
    const buffer = Buffer.alloc(CHUNK_BYTES)
    for (let read = -1; read !== 0; ) {
      read = readSync(this.#fd, buffer, 0, buffer.length, this.#offset)
      this.#offset += read
      chunks.push(Buffer.from(buffer.subarray(0, read)))
    }
    const bytes = Buffer.concat(chunks)
    const end = bytes.lastIndexOf(0x0a) + 1
    this.#rest = bytes.subarray(end)
    const text = bytes.subarray(0, end).toString('utf8')
    return text.split('\n').filter((line) => line !== '')
  }
}
