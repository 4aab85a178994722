const NEWLINE = 0x0a

/** One line without its newline, or how many bytes one had that was too long to keep. */
export type Line = { readonly text: string } | { readonly tooLong: number }

/**
 * Cuts a stream of bytes into lines. Keeps at most `maxBytes` of an unfinished one; a longer line is dropped up to its
 * newline and reported by its length. Splits at LF alone: a JSON string may hold U+2028.
 */
export class LineBuffer {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that `chunk` ends, in order; empty ones are left out. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, at))
      const line = this.#take()
      if (line) lines.push(line)
      from = at + 1
    }
    this.#keep(chunk.subarray(from))
    return lines
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#bytes += part.length
    if (this.#bytes > this.#maxBytes) this.#parts = []
    else this.#parts.push(part)
  }

  #take(): Line | undefined {
    const bytes = this.#bytes
    const text = bytes > this.#maxBytes ? '' : Buffer.concat(this.#parts).toString('utf8').trim()
    this.#parts = []
    this.#bytes = 0
    if (bytes > this.#maxBytes) return { tooLong: bytes }
    return text === '' ? undefined : { text }
  }
}
