import type { IncomingMessage } from 'node:http'
import { vi } from 'vitest'
import type { WebWorld } from './web-world.ts'

export interface SeenEvent {
  readonly name: string
  readonly id: string | undefined
  readonly data: Record<string, unknown>
}

/** Reads a stream of server-sent events as a browser does. */
export class EventReader {
  readonly events: SeenEvent[] = []
  comments = 0
  ended = false
  readonly #response: IncomingMessage
  #rest = ''

  private constructor(response: IncomingMessage) {
    this.#response = response
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => this.#take(chunk))
    const end = (): void => {
      this.ended = true
    }
    response.on('end', end)
    response.on('error', end)
  }

  /** Opens the stream of a chat; `seen` is the number of the last line that was seen. */
  static async open(world: WebWorld, cookie: string, seen?: number, chat = 'main'): Promise<EventReader> {
    const known: Record<string, string> = seen === undefined ? {} : { 'last-event-id': String(seen) }
    const response = await world.open(`/api/chats/${chat}/events`, { headers: { cookie, ...known } })
    if (response.statusCode !== 200) throw new Error(`no event stream: ${response.statusCode}`)
    return new EventReader(response)
  }

  named(name: string): SeenEvent[] {
    return this.events.filter((event) => event.name === name)
  }

  /** Waits until so many events of a name have come. */
  async until(name: string, count = 1): Promise<SeenEvent[]> {
    return await vi.waitFor(
      () => {
        const found = this.named(name)
        if (found.length < count) throw new Error(`${found.length} of ${count} ${name} events so far`)
        return found
      },
      { timeout: 10_000, interval: 5 },
    )
  }

  /** Stops reading without closing: a page on a phone that has lost its network. */
  stall(): void {
    this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  onceClosed(tell: () => void): void {
    this.#response.once('close', tell)
  }

  close(): void {
    this.#response.destroy()
  }

  #take(chunk: string): void {
    const blocks = (this.#rest + chunk).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) this.#takeBlock(block)
  }

  #takeBlock(block: string): void {
    const fields = new Map<string, string>()
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':')
      if (colon === 0) this.comments += 1
      else fields.set(line.slice(0, colon), line.slice(colon + 1).trim())
    }
    const name = fields.get('event')
    if (name !== undefined) {
      this.events.push({ name, id: fields.get('id'), data: JSON.parse(fields.get('data') ?? '{}') })
    }
  }
}
