import { vi } from 'vitest'
import type { InboundMessage } from '../../src/domain/message.ts'
import type { Accepted } from '../../src/domain/ports/channel.ts'
import type { ChannelWorld } from './channel-world.ts'

export const WAIT = { timeout: 10_000, interval: 10 }

/** A running `receive` and what it has taken. */
export interface Receiver {
  readonly taken: InboundMessage[]
  next(text: string): Promise<InboundMessage>
  stop(): Promise<void>
}

/** Begins to receive. */
export function listen(
  world: ChannelWorld,
  accept: (message: InboundMessage) => Accepted = () => 'new',
): Receiver {
  const taken: InboundMessage[] = []
  const stopping = new AbortController()
  const running = world.channel.receive((message) => {
    const accepted = accept(message)
    taken.push(message)
    return accepted
  }, stopping.signal)
  const failed = running.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  return {
    taken,
    async next(text) {
      return await vi.waitFor(() => {
        const found = taken.find((message) => message.text === text)
        if (found === undefined) throw new Error(`no message ${JSON.stringify(text)} yet`)
        return found
      }, WAIT)
    },
    async stop() {
      stopping.abort()
      const failure = await failed
      if (failure !== undefined) throw failure.error
    },
  }
}
