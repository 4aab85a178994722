import type { LineHandlers, LineTransport } from '../src/json-rpc/transport.ts'

/** One end of a pair of transports in this process. Strict: a line with a newline, or opened twice, throws. */
export class LinkedTransport implements LineTransport {
  readonly #unread: string[] = []
  #handlers: LineHandlers | undefined
  #opened = false
  #closed = false
  other: LinkedTransport | undefined

  open(handlers: LineHandlers): void {
    if (this.#opened) throw new Error('LinkedTransport: opened twice')
    this.#opened = true
    this.#handlers = handlers
    for (const line of this.#unread.splice(0)) handlers.line(line)
  }

  send(line: string): void {
    if (line.includes('\n')) throw new Error(`LinkedTransport: a newline in ${line}`)
    if (!this.#closed) queueMicrotask(() => this.other?.deliver(line))
  }

  /** What the other side would get: for lines that a connection would never write. */
  deliver(line: string): void {
    if (this.#closed) return
    if (this.#handlers) this.#handlers.line(line)
    else this.#unread.push(line)
  }

  /** As when the process at the other end died. */
  end(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#handlers?.closed(reason)
    this.other?.end(reason)
  }
}

/** Two transports; what one sends, the other gets, in order. */
export function linkedPair(): [LinkedTransport, LinkedTransport] {
  const pair: [LinkedTransport, LinkedTransport] = [new LinkedTransport(), new LinkedTransport()]
  pair[0].other = pair[1]
  pair[1].other = pair[0]
  return pair
}
