import type { ServerResponse } from 'node:http'
import { SECURITY_HEADERS } from './security-headers.ts'

/** One server-sent event. Lines carry their number as `id`, so that a browser can say where it stopped. */
export interface PageEvent {
  readonly name: 'line' | 'change' | 'progress' | 'idle' | 'reset' | 'ready'
  readonly data: unknown
  readonly id?: number
}

/** A reader who leaves more than this unread is cut off; it comes back and continues from its last line. */
const MAX_UNREAD_BYTES = 8_000_000

/** An open answer of type text/event-stream. Writing never waits and never throws. */
export class EventStream {
  readonly #response: ServerResponse

  constructor(response: ServerResponse, onClose: () => void) {
    this.#response = response
    response.once('close', onClose)
    response.on('error', () => response.destroy())
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Reverse proxies would otherwise hold events back.
      'X-Accel-Buffering': 'no',
    })
    response.write('retry: 1000\n\n')
  }

  write(frame: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    if (this.#response.writableLength > MAX_UNREAD_BYTES) this.#response.destroy()
    else this.#response.write(frame)
  }

  /** Ends the answer after what was written; a browser reconnects by itself. */
  end(): void {
    this.#response.end()
  }
}

/** The bytes of one event. JSON has no line break, so `data` is one line whatever the text is. */
export function frameOf(event: PageEvent): string {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  return `event: ${event.name}\n${id}data: ${JSON.stringify(event.data)}\n\n`
}

/** The comment keeps proxies from giving up on a silent stream; by the event the page knows that it still hears. */
export const HEARTBEAT_FRAME = ': still here\nevent: beat\ndata: {}\n\n'
