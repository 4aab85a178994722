import { beforeAll } from 'vitest'
import { channelContract } from '../contract/channel.ts'
import { announceEmulator, keysOf } from './emulator.ts'
import { TelegramWorld } from './telegram-world.ts'

beforeAll(announceEmulator)

channelContract('telegram', async () => {
  const world = await TelegramWorld.start()
  return {
    channel: world.channel,
    address: world.private,
    refusedAddress: { ...world.private, chat: '999' },
    say: (text) => world.emulator.postPrivateMessage(text),
    press: (label) => world.emulator.press(label, world.private.chat),
    buttons: async (to) =>
      (await world.emulator.sentMessages(to.chat)).flatMap(keysOf).map(({ text }) => text),
    reactions: () => world.emulator.reactions.map(({ emoji }) => emoji),
    isAcknowledged: (text) => world.emulator.isConfirmed(text),
    shown: async (to) => (await world.emulator.sentMessages(to.chat)).map((message) => message.text),
    store: (bytes, name) => {
      const { sha256 } = world.store(bytes)
      return { sha256, name, mime: '', bytes: bytes.length, image: null }
    },
    shownFiles: (to) =>
      world.emulator.sentFiles
        .filter(({ chat_id }) => chat_id === to.chat)
        .map(({ name, caption, bytes }) => ({ name, caption, bytes: bytes.length })),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
})
