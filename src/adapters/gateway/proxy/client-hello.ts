import { plainHost } from './target.ts'

/** More than any client says first, with room for keys that are safe from quantum computers. */
export const MAX_HELLO_BYTES = 32 * 1024

export type HelloReading =
  /** Nothing is decided yet. */
  | { readonly is: 'more' }
  | { readonly is: 'other' }
  | { readonly is: 'broken'; readonly why: string }
  /** `serverName`: lower case, without a final dot; null when the client named none. */
  | { readonly is: 'hello'; readonly serverName: string | null }

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const MAX_RECORD = 16_384
const MAX_RECORDS = 64
const SERVER_NAME = 0

/**
 * The first message of a TLS client, from the beginning of what it sent: no byte of it is trusted, all of it is bounded
 * (RFC 8446 §4.1.2, §5.1; RFC 6066 §3). A name that could be read in two ways makes it broken.
 */
export function readClientHello(bytes: Buffer): HelloReading {
  if (bytes.length === 0) return { is: 'more' }
  if (bytes[0] !== HANDSHAKE) return { is: 'other' }
  try {
    const message = handshakeMessage(bytes)
    if (message !== null) return { is: 'hello', serverName: serverNameOf(new Reader(message)) }
    return bytes.length > MAX_HELLO_BYTES ? broken('it is too long') : { is: 'more' }
  } catch (error) {
    if (error instanceof BrokenHelloError) return broken(error.message)
    throw error
  }
}

function broken(why: string): HelloReading {
  return { is: 'broken', why }
}

class BrokenHelloError extends Error {
  override name = 'BrokenHelloError'
}

/** Body of the first handshake message, which may be cut over some records; null while it is not whole. */
function handshakeMessage(bytes: Buffer): Buffer | null {
  const pieces: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 3)
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3) throw new BrokenHelloError('it is no TLS handshake')
    if (length === 0 || length > MAX_RECORD) throw new BrokenHelloError('a record has an odd length')
    if (pieces.length === MAX_RECORDS) throw new BrokenHelloError('it is cut into too many records')
    pieces.push(bytes.subarray(at + 5, at + 5 + length))
    at += 5 + length
    if (hasWhole(pieces)) return Buffer.concat(pieces).subarray(4, messageEnd(pieces))
  }
  return null
}

function hasWhole(pieces: readonly Buffer[]): boolean {
  const have = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return have >= 4 && have >= messageEnd(pieces)
}

/** Where the message ends, by its own word. Its first four bytes must be there. */
function messageEnd(pieces: readonly Buffer[]): number {
  const head = Buffer.concat(pieces.map((piece) => piece.subarray(0, 4)))
  if (head[0] !== CLIENT_HELLO) throw new BrokenHelloError('it is not what a client says first')
  const end = 4 + head.readUIntBE(1, 3)
  if (end > MAX_HELLO_BYTES) throw new BrokenHelloError('it is too long')
  return end
}

function serverNameOf(hello: Reader): string | null {
  hello.take(2 + 32)
  hello.vector(1)
  hello.vector(2)
  hello.vector(1)
  if (hello.isAtEnd()) return null
  const extensions = new Reader(hello.vector(2))
  if (!hello.isAtEnd()) throw new BrokenHelloError('there is more behind its end')
  let name: string | null = null
  while (!extensions.isAtEnd()) {
    const type = extensions.number(2)
    const content = extensions.vector(2)
    if (type !== SERVER_NAME) continue
    if (name !== null) throw new BrokenHelloError('it names the server twice')
    name = hostNameOf(new Reader(content))
  }
  return name
}

function hostNameOf(extension: Reader): string {
  const list = new Reader(extension.vector(2))
  const type = list.number(1)
  const text = list.vector(2).toString('latin1')
  if (type !== 0 || !list.isAtEnd() || !extension.isAtEnd())
    throw new BrokenHelloError('its server name has an odd form')
  const name = plainHost(text)
  if (name === null) throw new BrokenHelloError('its server name is none')
  return name
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new BrokenHelloError('it ends too early')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  number(size: 1 | 2): number {
    return this.take(size).readUIntBE(0, size)
  }

  /** Bytes with their length ahead of them. */
  vector(size: 1 | 2): Buffer {
    return this.take(this.number(size))
  }
}
