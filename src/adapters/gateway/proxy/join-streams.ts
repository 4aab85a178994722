import { Socket } from 'node:net'
import type { Duplex, Transform } from 'node:stream'
import { ByteAllowance, ByteMeter, OverLimitError } from './byte-meter.ts'
import type { DirectRelay } from './direct-relay.ts'
import type { Ending } from './ending.ts'
import type { GroupShare } from './group-share.ts'
import type { Passage } from './passage.ts'

export interface JoinOptions {
  readonly share: GroupShare
  /** What the server's bytes go through on their way to the client. */
  readonly masks?: readonly Transform[]
  readonly status: number | null
  /** What the server was dialled with; it carries the server's bytes in place of a pipe. */
  readonly relay?: DirectRelay
  /** Told how to read what passed. */
  readonly passage: Passage
}

/**
 * Passes bytes between a client and a server until both are through, or one breaks, is silent for too long, or has had
 * its share. Resolves when both are closed; never rejects.
 */
export function joinStreams(client: Duplex, server: Duplex, options: JoinOptions): Promise<Ending> {
  const { limits, rate } = options.share
  const allowance = new ByteAllowance(limits.bytesPerRequest)
  const out = new ByteMeter(allowance, rate)
  const back = new ByteMeter(allowance, rate)
  const read = () => ({ bytesOut: out.bytes, bytesIn: back.bytes })
  options.passage.read = read
  const links = [client, out, server, back, ...(options.masks ?? [])]
  let reason: string | null = null
  const stop = (why: string | null) => {
    reason ??= why
    for (const link of links) link.destroy()
  }
  // That one side breaks off is how many connections end.
  const fail = (error: unknown) => stop(error instanceof OverLimitError ? error.message : null)
  for (const link of links) link.on('error', fail)
  const timer = setTimeout(() => stop('it took too long'), limits.totalMs)
  if (server instanceof Socket) server.setTimeout(limits.idleMs, () => stop('nothing came for too long'))
  const closed = Promise.all([closeOf(client), closeOf(server)])
  // With both streams at their end, what is still to be written gets there; else it has nowhere to go.
  const isCut = () => !(client.readableEnded && server.readableEnded)
  client.on('close', () => isCut() && server.destroy())
  server.on('close', () => isCut() && client.destroy())
  if (client.destroyed || server.destroyed) stop(null)
  client.pipe(out).pipe(server)
  const { relay, masks = [] } = options
  if (relay && server instanceof Socket) relay.start(server, (bytes) => back.count(bytes), fail)
  else [back, ...masks, client].reduce<Duplex>((last, next) => last.pipe(next), server)
  return closed.then(() => {
    clearTimeout(timer)
    return { outcome: reason === null ? 'allowed' : 'failed', status: options.status, reason, ...read() }
  })
}

function closeOf(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve()
    else stream.once('close', () => resolve())
  })
}
