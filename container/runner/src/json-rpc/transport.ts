import type { Readable, Writable } from 'node:stream'
import { LineBuffer } from './line-buffer.ts'

/** Longest line taken in: room for an image in base64, far more than any other message. */
const MAX_LINE_BYTES = 32 * 1024 * 1024
/** Lines that the other side has not read yet; one that reads nothing must not eat our memory. */
const MAX_UNREAD_BYTES = 32 * 1024 * 1024

export interface LineHandlers {
  line(text: string): void
  tooLong(bytes: number): void
  /** The last call; nothing can be sent any more. */
  closed(reason: string): void
}

/** A two-way channel of lines. */
export interface LineTransport {
  /** Begins to deliver. Called once; before it nothing is delivered and nothing is lost. */
  open(handlers: LineHandlers): void
  /** Sends one line, which holds no newline. Nothing happens when the channel is closed. */
  send(line: string): void
}

/** Lines over a child's stdin and stdout, or any other pair of streams. */
export class StreamTransport implements LineTransport {
  readonly #input: Writable
  readonly #output: Readable
  readonly #maxLineBytes: number
  #handlers: LineHandlers | undefined

  /** `input` is what we write to, `output` what we read from. */
  constructor(input: Writable, output: Readable, maxLineBytes = MAX_LINE_BYTES) {
    this.#input = input
    this.#output = output
    this.#maxLineBytes = maxLineBytes
    // Writing to a process that has just died is not news: its end is.
    input.on('error', (error) => this.#close(error.message))
    output.on('error', (error) => this.#close(error.message))
  }

  open(handlers: LineHandlers): void {
    this.#handlers = handlers
    const buffer = new LineBuffer(this.#maxLineBytes)
    this.#output.on('data', (chunk: Buffer) => {
      for (const line of buffer.push(chunk)) {
        if ('text' in line) this.#handlers?.line(line.text)
        else this.#handlers?.tooLong(line.tooLong)
      }
    })
    this.#output.on('end', () => this.#close('it closed its output'))
    this.#output.on('close', () => this.#close('its output was closed'))
  }

  send(line: string): void {
    if (!this.#input.writable) return
    this.#input.write(`${line}\n`)
    if (this.#input.writableLength > MAX_UNREAD_BYTES) {
      this.#input.destroy()
      this.#close('it does not read what it is sent')
    }
  }

  #close(reason: string): void {
    const handlers = this.#handlers
    this.#handlers = undefined
    handlers?.closed(reason)
  }
}
