import type { Duplex } from 'node:stream'
import { MAX_HELLO_BYTES, readClientHello } from './client-hello.ts'
import { Stop } from './stop.ts'

/** A client sends its first words in a few pieces; each piece costs a look at all of them. */
const MAX_PIECES = 64

export type FirstWords =
  | { readonly is: 'hello'; readonly serverName: string | null }
  /** Something that is not TLS. */
  | { readonly is: 'other' }

/** Waits for what a client says first and leaves it in the stream to be read again. Throws Stop. */
export function awaitHello(socket: Duplex, ms: number): Promise<FirstWords> {
  const pieces: Buffer[] = []
  return new Promise<FirstWords>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('end', onEnd)
      socket.off('close', onEnd)
      socket.pause()
      if (pieces.length > 0 && !socket.destroyed) socket.unshift(Buffer.concat(pieces))
      settle()
    }
    const stop = (why: string) => finish(() => reject(new Stop('denied', 403, why)))
    const onData = (piece: Buffer) => {
      pieces.push(piece)
      const words = Buffer.concat(pieces)
      const reading = readClientHello(words.subarray(0, MAX_HELLO_BYTES + 1))
      if (reading.is === 'broken') stop(`it does not begin as TLS does: ${reading.why}`)
      else if (reading.is !== 'more') finish(() => resolve(reading))
      else if (pieces.length >= MAX_PIECES || words.length > MAX_HELLO_BYTES)
        stop('it does not begin as TLS does: no end of its first message')
    }
    const onEnd = () => finish(() => reject(new Stop('failed', 502, 'the client left')))
    const timer = setTimeout(() => stop('nothing was sent through the connection in time'), ms)
    socket.on('data', onData)
    socket.on('end', onEnd)
    socket.on('close', onEnd)
  })
}
