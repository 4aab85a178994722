import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { channelContract } from '../../../../test/contract/channel.ts'
import type { ChannelWorld } from '../../../../test/contract/channel-world.ts'
import { FakeOwnChat } from '../../../../test/fakes/fake-own-chat.ts'
import { CreelError } from '../../../domain/errors.ts'
import { type GroupName, type UnixMs, userId } from '../../../domain/ids.ts'
import type { OwnChatLine } from '../../../domain/ports/channel.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import { TerminalChannel } from './channel.ts'

const group = 'main' as GroupName
const user = userId('terminal', 'alice')
const address = { channel: 'terminal', account: 'main', chat: group }
const clock: Clock = {
  now: () => 1_700_000_000_000 as UnixMs,
  sleep: () => Promise.reject(new Error('nothing sleeps here')),
}

function make() {
  const faults: string[] = []
  const chats = new FakeOwnChat()
  const channel = new TerminalChannel({ chats, clock, onFault: (what) => faults.push(what) })
  return { channel, chats, faults }
}

channelContract('terminal', async (): Promise<ChannelWorld> => {
  const { channel } = make()
  const acknowledged = new Set<string>()
  const waiting: NodeJS.Immediate[] = []
  // What the command line does: it asks until it is told that the line was taken.
  const postUntilTaken = (text: string, id: string): void => {
    try {
      channel.post(group, text, id, user)
      acknowledged.add(text)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      waiting.push(setImmediate(() => postUntilTaken(text, id)))
    }
  }
  return {
    channel,
    address,
    say: async (text) => postUntilTaken(text, randomUUID()),
    reactions() {
      const lines: OwnChatLine[] = []
      const add = (line: OwnChatLine) => void lines.push(line)
      channel.subscribe(group, 0, add, () => undefined)()
      return lines.filter(({ author }) => author === 'agent').map(({ text }) => text)
    },
    isAcknowledged: (text) => acknowledged.has(text),
    shown() {
      const lines: OwnChatLine[] = []
      channel.subscribe(
        group,
        0,
        (line) => lines.push(line),
        () => undefined,
      )()
      return lines.filter((line) => line.author === 'agent').map((line) => line.text)
    },
    store: (bytes, name) => ({ sha256: 'f'.repeat(64), name, mime: '', bytes: bytes.length, image: null }),
    shownFiles() {
      const lines: OwnChatLine[] = []
      const add = (line: OwnChatLine) => void lines.push(line)
      channel.subscribe(group, 0, add, () => undefined)()
      return lines.flatMap(({ text, files = [] }) =>
        files.map(({ name, bytes }) => ({ name, caption: text, bytes })),
      )
    },
    async [Symbol.asyncDispose]() {
      for (const immediate of waiting) clearImmediate(immediate)
    },
  }
})

describe('TerminalChannel', () => {
  it('refuses lines while nothing receives', () => {
    expect(() => make().channel.post(group, 'x', 'id-1', user)).toThrow(CreelError)
  })

  it('tells each watcher what it has not seen, once, and stops when asked', async () => {
    const { channel } = make()
    const { signal } = new AbortController()
    await channel.send(address, 'old', 'k1', signal)
    await channel.send(address, 'seen', 'k2', signal)
    const heard: string[] = []
    const stop = channel.subscribe(
      group,
      1,
      (line) => heard.push(line.text),
      () => heard.push('progress'),
    )
    await channel.send(address, 'seen', 'k2', signal)
    await channel.send(address, 'new', 'k3', signal)
    await channel.send({ ...address, chat: 'other' }, 'elsewhere', 'k4', signal)
    channel.showProgress(address, null)
    stop()
    await channel.send(address, 'late', 'k5', signal)
    expect(heard).toEqual(['seen', 'new', 'progress'])
  })

  it('drops a watcher that fails and still tells the others', async () => {
    const { channel, faults } = make()
    const heard: string[] = []
    const fail = (): never => {
      throw new Error('gone')
    }
    channel.subscribe(group, 0, fail, fail)
    channel.subscribe(
      group,
      0,
      (line) => heard.push(line.text),
      () => undefined,
    )
    const { signal } = new AbortController()
    await channel.send(address, 'one', 'k1', signal)
    await channel.send(address, 'two', 'k2', signal)
    expect(heard).toEqual(['one', 'two'])
    expect(faults).toHaveLength(1)
  })
})
