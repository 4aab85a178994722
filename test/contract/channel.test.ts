import { readChoicePart } from '../../src/domain/choice-part.ts'
import { readFilePart } from '../../src/domain/file-part.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { channelContract } from './channel.ts'
import type { ChannelWorld } from './channel-world.ts'

for (const idempotentSend of [false, true]) {
  channelContract(`fake, idempotentSend ${idempotentSend}`, async () => fakeWorld(idempotentSend))
}

function fakeWorld(idempotentSend: boolean): ChannelWorld {
  const channel = new FakeChannel({
    capabilities: { idempotentSend },
    notes: idempotentSend,
    cards: !idempotentSend,
    ...(idempotentSend ? {} : { emoji: ['👍', '🔥'] }),
  })
  channel.refusedChats.add('closed')
  return {
    channel,
    address: channel.address(),
    refusedAddress: channel.address('closed'),
    async say(text) {
      channel.say(text)
    },
    ...(idempotentSend
      ? {}
      : { press: async (label: string) => void channel.press(label, { address: channel.address() }) }),
    ...(idempotentSend ? {} : { reactions: () => [...channel.reacted.values()] }),
    buttons: (address) =>
      channel.shown(address).flatMap((part) => readChoicePart(part)?.choices.map(({ label }) => label) ?? []),
    isAcknowledged: (text) => channel.acknowledged.includes(text),
    shown: (address) =>
      channel
        .shown(address)
        .filter((part) => readFilePart(part) === null)
        .map((part) => readChoicePart(part)?.text ?? part),
    store: (bytes, name) => ({ sha256: 'f'.repeat(64), name, mime: '', bytes: bytes.length, image: null }),
    shownFiles: (address) =>
      channel.shown(address).flatMap((part) => {
        const sent = readFilePart(part)
        return sent ? [{ name: sent.file.name, caption: sent.caption, bytes: sent.file.bytes }] : []
      }),
    async [Symbol.asyncDispose]() {
      channel.sendScript.length = 0
    },
  }
}
