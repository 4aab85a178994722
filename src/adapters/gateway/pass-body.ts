import type { IncomingMessage, ServerResponse } from 'node:http'
import { JoinedWrites } from './joined-writes.ts'
import { KeySearch } from './key-mask.ts'

export interface PassBodyOptions {
  /** What is asterisks on the way. */
  readonly secrets: readonly string[]
  /** Counts bytes that pass; for how many milliseconds the next ones are held back. Throws when no more may pass. */
  readonly count?: (bytes: number) => number
  /** Told what `count` threw, before both sides are ended. */
  readonly onOver?: (error: unknown) => void
}

/**
 * Passes a server's answer on to the client as it comes, and not faster than the client takes it. When one side breaks
 * off, the other is ended. No streams in between: each of them costs a large transfer as much as its encryption.
 */
export function passBody(answer: IncomingMessage, response: ServerResponse, options: PassBodyOptions): void {
  const { secrets, count = () => 0, onOver } = options
  const masks = secrets.map((secret) => new KeySearch(secret))
  let timer: NodeJS.Timeout | undefined
  const goOn = () => {
    if (timer === undefined && !writes.isFull) answer.resume()
  }
  const writes = new JoinedWrites(response, goOn)
  const paid = () => {
    timer = undefined
    goOn()
  }
  const breakOff = () => {
    clearTimeout(timer)
    answer.destroy()
    response.destroy()
  }
  const pass = (chunk: Buffer) => {
    const wait = count(chunk.length)
    const bytes = masks.reduce((passing, mask) => mask.pass(passing), chunk)
    writes.write(bytes)
    if (wait > 0) timer ??= setTimeout(paid, wait)
    if (wait > 0 || writes.isFull) answer.pause()
  }
  answer.on('data', (chunk: Buffer) => {
    if (response.destroyed) return
    try {
      pass(chunk)
    } catch (error) {
      onOver?.(error)
      breakOff()
    }
  })
  answer.on('end', () => {
    clearTimeout(timer)
    writes.write(masks.reduce<Buffer>((last, mask) => ending(mask, last), Buffer.alloc(0)))
    writes.end()
  })
  answer.on('error', breakOff)
  answer.on('close', () => answer.readableEnded || breakOff())
  response.on('error', breakOff)
  response.on('close', () => {
    clearTimeout(timer)
    answer.destroy()
  })
}

function ending(mask: KeySearch, last: Buffer): Buffer {
  return Buffer.concat([mask.pass(last), mask.rest()])
}
