import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'

const CHUNK = 4 << 20
const PAGE = 4_096
const PRESENT = 1n << 63n

/** Looks for texts in anything, in the forms in which they are likely to be written. */
export class SecretSearch {
  readonly #needles: readonly { readonly name: string; readonly bytes: Buffer }[]
  readonly #longest: number
  /** Where something was found: `name in place`. */
  readonly found = new Set<string>()
  /** How much was looked at. */
  bytes = 0

  /** A text, or bytes of a key. */
  constructor(secrets: Readonly<Record<string, string | Buffer>>) {
    this.#needles = Object.entries(secrets).flatMap(([name, secret]) =>
      forms(secret).map((bytes) => ({ name, bytes })),
    )
    this.#longest = Math.max(...this.#needles.map(({ bytes }) => bytes.length))
  }

  text(text: string, place: string): void {
    this.#look(Buffer.from(text), place)
  }

  /** Pieces that follow each other: something that is cut between two is found as well. */
  async stream(pieces: AsyncIterable<Uint8Array | string>, place: string): Promise<void> {
    let tail: Buffer = Buffer.alloc(0)
    for await (const piece of pieces) tail = this.#lookOn(tail, Buffer.from(piece), place)
  }

  file(path: string, place = path): void {
    const file = openSync(path, 'r')
    try {
      const chunk = Buffer.alloc(CHUNK)
      let tail: Buffer = Buffer.alloc(0)
      for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk))
        tail = this.#lookOn(tail, chunk.subarray(0, read), place)
    } finally {
      closeSync(file)
    }
  }

  /** Every regular file below a folder; links are not followed. Returns how many there were. */
  tree(folder: string, place = folder, skip: (path: string) => boolean = () => false): number {
    let files = 0
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      if (skip(path)) continue
      this.text(name, `${place}: a file name`)
      const stat = lstatSync(path, { throwIfNoEntry: false })
      if (stat?.isDirectory()) files += this.tree(path, join(place, name), skip)
      else if (stat?.isFile()) {
        files++
        this.file(path, join(place, name))
      }
    }
    return files
  }

  /** Environment, command line and all pages that a process has in memory, as root sees them. */
  process(pid: number): void {
    const program = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '?'
    const place = `process ${program}`
    for (const name of ['environ', 'cmdline']) this.file(`/proc/${pid}/${name}`, `${place}, ${name}`)
    const memory = openSync(`/proc/${pid}/mem`, 'r')
    const pagemap = openSync(`/proc/${pid}/pagemap`, 'r')
    try {
      for (const [from, to] of readableRegions(pid))
        for (const [start, end] of presentRuns(pagemap, from, to))
          this.#memory(memory, start, end, `${place}, memory`)
    } finally {
      closeSync(memory)
      closeSync(pagemap)
    }
  }

  #memory(memory: number, from: number, to: number, place: string): void {
    let tail: Buffer = Buffer.alloc(0)
    for (let at = from; at < to; at += CHUNK) {
      const chunk = Buffer.alloc(Math.min(CHUNK, to - at))
      const read = readPages(memory, chunk, at)
      tail = this.#lookOn(tail, chunk.subarray(0, read), place)
    }
  }

  #lookOn(tail: Buffer, piece: Buffer, place: string): Buffer {
    const bytes = Buffer.concat([tail, piece])
    this.#look(bytes, place)
    this.bytes += piece.length
    return Buffer.from(bytes.subarray(Math.max(0, bytes.length - this.#longest)))
  }

  #look(bytes: Buffer, place: string): void {
    for (const { name, bytes: needle } of this.#needles)
      if (bytes.includes(needle)) this.found.add(`${name} in ${place}`)
  }
}

/** As it is, as a JavaScript engine may keep it (UTF-16), in base64 at each offset, in hex, and backwards. */
function forms(secret: string | Buffer): Buffer[] {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The characters that hold bits of what stands before or behind are left out.
    return text.slice(offset === 0 ? 0 : offset + 1, -1)
  })
  const wide = typeof secret === 'string' ? [Buffer.from(secret, 'utf16le')] : []
  return [
    bytes,
    ...wide,
    Buffer.from(bytes).reverse(),
    ...[...base64, bytes.toString('hex')].map((text) => Buffer.from(text)),
  ]
}

function readableRegions(pid: number): [number, number][] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line): [number, number][] => {
      const [, from = '', to = '', mode = '', name = ''] =
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line) ?? []
      // Pages of the kernel cannot be read this way, and hold nothing of the process.
      const isOurs = from !== '' && mode.startsWith('r') && !name.startsWith('[v')
      return isOurs ? [[Number.parseInt(from, 16), Number.parseInt(to, 16)]] : []
    })
}

/** Runs of pages that are in memory: what was never touched holds nothing, and may be huge. */
function presentRuns(pagemap: number, from: number, to: number): [number, number][] {
  const runs: [number, number][] = []
  const entries = Buffer.alloc(8 * 65_536)
  for (let at = from; at < to; ) {
    const pages = Math.min((to - at) / PAGE, entries.length / 8)
    const read = readSync(pagemap, entries, 0, pages * 8, (at / PAGE) * 8)
    for (let page = 0; page < read / 8; page++) {
      if ((entries.readBigUInt64LE(page * 8) & PRESENT) === 0n) continue
      const start = at + page * PAGE
      const last = runs.at(-1)
      if (last?.[1] === start) last[1] = start + PAGE
      else runs.push([start, start + PAGE])
    }
    if (read === 0) break
    at += (read / 8) * PAGE
  }
  return runs
}

function readPages(memory: number, into: Buffer, at: number): number {
  try {
    return readSync(memory, into, 0, into.length, at)
  } catch (error) {
    // The process has given the pages back meanwhile.
    if (error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'EFAULT'))
      return 0
    throw error
  }
}
