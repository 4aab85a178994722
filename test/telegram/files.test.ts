import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ChannelRefusedError, ChannelUnreachableError } from '../../src/domain/errors.ts'
import { type ChatFile, VOICE_TYPE } from '../../src/domain/message.ts'
import { announceEmulator } from './emulator.ts'
import { TelegramWorld, WAIT } from './telegram-world.ts'

const NEVER = new AbortController().signal
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3])
const image = { mime: 'image/png' as const, width: 800, height: 600 }

beforeAll(announceEmulator)

async function inWorld(run: (world: TelegramWorld) => Promise<void>): Promise<void> {
  const world = await TelegramWorld.start()
  try {
    await run(world)
  } finally {
    await world[Symbol.asyncDispose]()
  }
}

const sendFile = async (world: TelegramWorld, file: ChatFile, caption = '') => {
  for (const part of world.channel.renderFile(file, caption))
    await world.channel.send(world.group, part, 'key', NEVER)
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('files that people send', () => {
  it('are handed over by reference, with their album, and fetched afterwards', () =>
    inWorld(async (world) => {
      world.emulator.upload('large', PNG)
      world.listen()
      const photo = [
        { file_id: 'small', file_unique_id: 's', width: 90, height: 60, file_size: 10 },
        { file_id: 'large', file_unique_id: 'l', width: 900, height: 600, file_size: PNG.length },
      ]
      await world.emulator.post({ photo, caption: 'look', media_group_id: '77' })
      await vi.waitFor(() => expect(world.taken).toHaveLength(1), WAIT)
      expect(world.taken[0]).toMatchObject({
        text: '[photo]\nlook',
        album: '77',
        files: [{ kind: 'image', name: 'photo.jpg', bytes: PNG.length, from: { source: 'large' } }],
      })
      expect(await readAll(await world.channel.fetchFile('large', PNG.length, NEVER))).toEqual(PNG)
    }))

  it('say how long they are when they are spoken; stickers and places come as what they are', () =>
    inWorld(async (world) => {
      world.listen()
      const about = { file_unique_id: 'u', file_size: 9 }
      await world.emulator.post({ voice: { ...about, file_id: 'v', duration: 3, mime_type: 'audio/ogg' } })
      const sticker = { ...about, file_id: 's', type: 'regular', width: 512, height: 512, emoji: '🌱' }
      await world.emulator.post({ sticker: { ...sticker, is_animated: false, is_video: false } })
      await world.emulator.post({ sticker: { ...sticker, is_animated: true, is_video: false } })
      await world.emulator.post({ location: { latitude: 48.2, longitude: 16.37 } })
      await vi.waitFor(() => expect(world.taken).toHaveLength(4), WAIT)
      expect(world.taken.map(({ text, files }) => [text, files])).toMatchObject([
        ['[voice 3 s]', [{ kind: 'voice', name: 'voice.ogg', seconds: 3, from: { source: 'v' } }]],
        ['[sticker 🌱]', [{ kind: 'sticker', from: { source: 's' } }]],
        ['[sticker 🌱]', undefined],
        ['[location 48.2, 16.37]', undefined],
      ])
    }))

  it('say why they cannot be had, and when to try again', () =>
    inWorld(async (world) => {
      const { channel, emulator } = world
      const failure = async (source: string) => {
        const error = await channel
          .fetchFile(source, null, NEVER)
          .then(readAll)
          .catch((thrown: unknown) => thrown)
        world.checkSecret(error)
        return error
      }
      expect(await failure('absent')).toBeInstanceOf(ChannelRefusedError)
      emulator.upload('big', Buffer.alloc(20_000_001))
      expect(String(await failure('big'))).toContain(
        "too large to fetch, Telegram's limit for bots is 20.0 MB",
      )
      emulator.upload('ok', Buffer.alloc(3_000_000))
      emulator.fault('file', { type: 'reset', carriedOut: false })
      expect(await failure('ok')).toBeInstanceOf(ChannelUnreachableError)
      await emulator.cut()
      expect(await failure('ok')).toBeInstanceOf(ChannelUnreachableError)
      await emulator.restore()
      expect(await readAll(await channel.fetchFile('ok', null, NEVER))).toHaveLength(3_000_000)
    }))
})

describe('files that agents send', () => {
  it('come as a photo with a formatted caption, or as a document', () =>
    inWorld(async (world) => {
      const { sha256 } = world.store(PNG)
      const photo = { sha256, name: 'chart.png', mime: 'image/png', bytes: PNG.length, image }
      await sendFile(world, photo, 'the **week**')
      await sendFile(world, { ...photo, image: { ...image, width: 20_000 } })
      await sendFile(world, { ...photo, image: { ...image, mime: 'image/gif' } })
      await sendFile(world, { ...photo, image: null })
      const sent = world.emulator.sentFiles.map(({ method, caption }) => [method, caption])
      expect(sent).toEqual([
        ['sendPhoto', 'the week'],
        ['sendDocument', ''],
        ['sendDocument', ''],
        ['sendDocument', ''],
      ])
    }))

  it('come as a voice message when they are Ogg with Opus, or as a document to whoever forbids those', () =>
    inWorld(async (world) => {
      const { sha256 } = world.store(Buffer.from('OggS'))
      const file = { sha256, name: 'answer.ogg', mime: VOICE_TYPE, bytes: 4, image: null }
      await sendFile(world, file, 'in **short**')
      await sendFile(world, { ...file, mime: 'audio/ogg' })
      const text = 'Bad Request: VOICE_MESSAGES_FORBIDDEN'
      world.emulator.fault('sendVoice', { type: 'answer', status: 400, text })
      await sendFile(world, file)
      const sent = world.emulator.sentFiles.map(({ method, caption }) => [method, caption])
      expect(sent).toEqual([
        ['sendVoice', 'in short'],
        ['sendDocument', ''],
        ['sendDocument', ''],
      ])
    }))

  it('come as a document when the photo is refused, and without formatting when the caption is', () =>
    inWorld(async (world) => {
      const text = Buffer.from('no image at all')
      const { sha256 } = world.store(text)
      const file = { sha256, name: 'x.png', mime: 'image/png', bytes: text.length, image }
      await sendFile(world, file, '**bold**')
      const refused = { type: 'answer' as const, status: 400, text: "Bad Request: can't parse entities" }
      world.emulator.fault('sendDocument', refused)
      await sendFile(world, { ...file, image: null }, '**bold**')
      const sent = world.emulator.sentFiles.map(({ method, caption }) => [method, caption])
      expect(sent).toEqual([
        ['sendDocument', 'bold'],
        ['sendDocument', 'bold'],
      ])
    }))

  it('that are too large or gone are told of', () =>
    inWorld(async (world) => {
      const { sha256 } = world.store(PNG)
      const file = { sha256, name: 'a.iso', mime: '', bytes: 60_000_000, image: null }
      await sendFile(world, file, 'the caption')
      const told = (await world.emulator.sentMessages(world.group.chat)).map(({ text }) => text)
      expect(told[0]).toContain('a.iso')
      expect(told[0]).toContain('cannot be sent: Telegram takes 50.0 MB at most')
      expect(told[1]).toBe('the caption')
      const [part = ''] = world.channel.renderFile({ ...file, sha256: 'e'.repeat(64), bytes: 5 }, '')
      await expect(world.channel.send(world.group, part, 'key', NEVER)).rejects.toThrow(/not kept any more/)
    }))

  it('are unsure when the connection breaks', () =>
    inWorld(async (world) => {
      const { sha256 } = world.store(PNG)
      world.emulator.fault('sendDocument', { type: 'reset', carriedOut: true })
      const [part = ''] = world.channel.renderFile({ sha256, name: 'a', mime: '', bytes: 7, image: null }, '')
      const error = await world.channel
        .send(world.group, part, 'key', NEVER)
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ ambiguous: true })
      world.checkSecret(error)
    }))
})
