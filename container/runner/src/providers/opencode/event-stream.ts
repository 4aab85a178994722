import { StringDecoder } from 'node:string_decoder'
import { type Clock, rest } from '../../clock.ts'

const FIRST_WAIT_MS = 50
const MAX_WAIT_MS = 2_000
/** The server sends a sign of life every ten seconds. */
const SILENCE_MS = 45_000
/** One event holds at most one tool's output, which the server bounds itself. */
const MAX_EVENT = 16 * 1024 * 1024

export interface EventStreamOptions {
  /** Opens the stream; to be aborted by the signal. */
  readonly open: (signal: AbortSignal) => Promise<Response>
  readonly clock: Clock
  /** The data of each event, as it was sent. */
  readonly onData: (data: string) => void
  /** Called at each connection, before its events; what was sent in between is lost. */
  readonly onOpen: () => void
  /** Called when a connection broke or could not be made. */
  readonly onBroken: (error: unknown) => void
}

/** Reads a stream of server-sent events until `signal` aborts, and connects again when it breaks. Never rejects. */
export async function followEvents(options: EventStreamOptions, signal: AbortSignal): Promise<void> {
  let wait = FIRST_WAIT_MS
  while (!signal.aborted) {
    const quiet = new AbortController()
    try {
      const response = await options.open(AbortSignal.any([signal, quiet.signal]))
      if (response.ok && response.body) {
        wait = FIRST_WAIT_MS
        options.onOpen()
        await readEvents(response.body, options, quiet)
      } else {
        await response.body?.cancel()
      }
    } catch (error) {
      if (!signal.aborted) options.onBroken(error)
    }
    quiet.abort()
    if (!signal.aborted) await rest(options.clock, wait, signal)
    wait = Math.min(wait * 2, MAX_WAIT_MS)
  }
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  options: EventStreamOptions,
  quiet: AbortController,
): Promise<void> {
  const split = new EventSplitter()
  const reader = body.getReader()
  for (;;) {
    const timer = new AbortController()
    void rest(options.clock, SILENCE_MS, timer.signal).then(() => {
      if (!timer.signal.aborted) quiet.abort()
    })
    const { value, done } = await reader.read().finally(() => timer.abort())
    if (done) return
    for (const data of split.add(value)) options.onData(data)
  }
}

/**
 * Cuts a byte stream into the `data` of its events, after the HTML standard §9.2.6; names, ids and retry times, which
 * this server does not use, are left out.
 */
export class EventSplitter {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #data: string[] = []
  #size = 0

  /** The events that these bytes complete. Throws when one grows without end. */
  add(bytes: Uint8Array): string[] {
    const events: string[] = []
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = this.#line(line.endsWith('\r') ? line.slice(0, -1) : line)
      if (event !== undefined) events.push(event)
    }
    if (this.#rest.length + this.#size > MAX_EVENT) throw new Error('an event of the stream is too long')
    return events
  }

  #line(line: string): string | undefined {
    if (line === '') {
      const event = this.#data.length > 0 ? this.#data.join('\n') : undefined
      this.#data = []
      this.#size = 0
      return event
    }
    if (line.startsWith('data:')) {
      this.#data.push(line.slice(line.startsWith('data: ') ? 6 : 5))
      this.#size += line.length
    }
    return undefined
  }
}
