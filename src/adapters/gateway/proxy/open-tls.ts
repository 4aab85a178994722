import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { Stop } from './stop.ts'

/** fatal, unrecognized_name (RFC 8446 §6): what clients show as a refusal and not as a broken line. */
const WRONG_NAME_ALERT = Buffer.from([0x15, 3, 3, 0, 2, 2, 112])

/** Ends a client's TLS here. Rejects with Stop when no handshake comes about; the socket is closed then. */
export async function openTls(socket: Duplex, context: SecureContext, ms: number): Promise<TLSSocket> {
  const opened = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: ['http/1.1'],
  })
  let fault = 'the client ended the handshake'
  // The one event in which errors of a connection that no server made are told; it stays for those after the handshake.
  opened.on('_tlsError', (error: NodeJS.ErrnoException) => {
    fault = error.code ?? fault
    opened.destroy()
  })
  opened.on('error', () => opened.destroy())
  const timer = setTimeout(() => opened.destroy(), ms)
  try {
    await new Promise<void>((resolve, reject) => {
      opened.once('secure', resolve)
      opened.once('close', () => reject(new Stop('failed', 502, `no TLS with the client (${fault})`)))
    })
  } finally {
    clearTimeout(timer)
  }
  return opened
}

/** Turns a TLS client away before the handshake. */
export function turnAwayTls(socket: Duplex): void {
  if (socket.writable) socket.end(WRONG_NAME_ALERT, () => socket.destroy())
  else socket.destroy()
}
