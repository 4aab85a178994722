import { beforeAll } from 'vitest'
import { channelContract } from '../contract/channel.ts'
import { announceEmulator } from './emulator.ts'
import { TelegramWorld } from './telegram-world.ts'

beforeAll(announceEmulator)

channelContract('telegram', async () => {
  const world = await TelegramWorld.start()
  return {
    channel: world.channel,
    address: world.private,
    refusedAddress: { ...world.private, chat: '999' },
    say: (text) => world.emulator.postPrivateMessage(text),
    isAcknowledged: (text) => world.emulator.isConfirmed(text),
    shown: async (to) => (await world.emulator.sentMessages(to.chat)).map((message) => message.text),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
})
