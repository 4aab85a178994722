import { FakeChannel } from '../fakes/fake-channel.ts'
import type { ChannelWorld } from './channel.ts'
import { channelContract } from './channel.ts'

for (const idempotentSend of [false, true]) {
  channelContract(`fake, idempotentSend ${idempotentSend}`, async () => fakeWorld(idempotentSend))
}

function fakeWorld(idempotentSend: boolean): ChannelWorld {
  const channel = new FakeChannel({ capabilities: { idempotentSend }, notes: idempotentSend })
  channel.refusedChats.add('closed')
  return {
    channel,
    address: channel.address(),
    refusedAddress: channel.address('closed'),
    async say(text) {
      channel.say(text)
    },
    isAcknowledged: (text) => channel.acknowledged.includes(text),
    shown: (address) => channel.shown(address),
    async [Symbol.asyncDispose]() {
      channel.sendScript.length = 0
    },
  }
}
