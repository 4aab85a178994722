import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFilePart } from '../../src/domain/file-part.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import { type InboundFile, VOICE_TYPE } from '../../src/domain/message.ts'
import { HostWorld } from '../rig/host-world.ts'

const GROUP = 'garden' as GroupName
/** One transparent pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

let world: HostWorld
beforeEach(async () => {
  world = new HostWorld({ groups: { garden: { provider: 'demo' } } })
  await world.host.start()
  for (const chat of ['room', 'yard']) world.bind(chat, GROUP)
})
afterEach(() => world[Symbol.asyncDispose]())

const fromPlatform = (source: string, more: Partial<InboundFile> = {}): InboundFile => ({
  kind: 'image',
  name: 'photo.png',
  mime: 'image/png',
  bytes: null,
  from: { source },
  ...more,
})
const say = (chat: string, text: string, more: object) =>
  world.channel.say(text, { address: world.channel.address(chat), chatTitle: chat, ...more })
const answers = (chat: string, ...texts: string[]) =>
  world.until(() => expect(world.shown(chat)).toEqual(texts))
const filesSent = (chat: string) =>
  world.channel.shown(world.channel.address(chat)).flatMap((part) => readFilePart(part) ?? [])

describe('a file that a person sends', () => {
  it('is fetched, and lies where its agent can read it and not write', async () => {
    world.channel.platformFiles.set('a', PNG)
    say('room', 'look', { files: [fromPlatform('a')] })
    await answers('room', 'demo: look [image photo.png 70 bytes]')
    const [name = ''] = readdirSync(world.paths.filesIn(GROUP))
    expect(name).toMatch(/^[0-9a-f]{64}\.png$/)
    expect(readFileSync(join(world.paths.filesIn(GROUP), name))).toEqual(PNG)
  })

  it('is what its bytes are, whatever it is called', async () => {
    world.channel.platformFiles.set('a', Buffer.from('not an image'))
    world.channel.platformFiles.set('b', PNG)
    const document = fromPlatform('b', { kind: 'document', name: 'x.txt', mime: 'text/plain' })
    say('room', 'two', { files: [fromPlatform('a'), document] })
    await answers('room', 'demo: two [document photo.png 12 bytes] [image x.txt 70 bytes]')
  })

  it('that cannot be had is a line of the message, and its sender is told', async () => {
    const big = fromPlatform('gone', { name: 'x.zip', bytes: 48_000_000 })
    say('room', 'take this', { files: [big] })
    await world.until(() => expect(world.shown('room')).toHaveLength(2))
    const told = 'I could not take the file "x.zip" (48.0 MB): the platform has no such file.'
    expect(world.shown('room')).toContain(told)
    const all = world.channel.shown(world.channel.address('room')).join('\n')
    expect(all).toContain(
      'demo: take this\n[a file "x.zip" (48.0 MB) was sent, but cannot be given: the platform has no such file]',
    )
  })

  it('is fetched again when it was cut off', async () => {
    world.channel.platformFiles.set('a', PNG)
    world.channel.fetchScript.push(new Error('cut'), new Error('cut'))
    say('room', 'look', { files: [fromPlatform('a')] })
    await answers('room', 'demo: look [image photo.png 70 bytes]')
  })

  it('holds up its own conversation, in order, and no other', async () => {
    world.channel.platformFiles.set('a', PNG)
    const slow = Promise.withResolvers<void>()
    world.channel.fetchScript.push(slow.promise)
    say('room', 'slow', { files: [fromPlatform('a')] })
    say('room', 'after it', {})
    say('yard', 'elsewhere', {})
    await answers('yard', 'demo: elsewhere')
    expect(world.shown('room')).toEqual([])
    slow.resolve()
    await answers('room', 'demo: slow [image photo.png 70 bytes]', 'demo: after it')
  })

  it('is fetched by the next host when this one stops', async () => {
    world.channel.platformFiles.set('a', PNG)
    world.channel.fetchScript.push(new Promise<void>(() => undefined))
    say('room', 'look', { files: [fromPlatform('a')] })
    await world.until(() => expect(world.channel.fetchScript).toEqual([]))
    await world.restart({ stopSandboxes: false })
    await answers('room', 'demo: look [image photo.png 70 bytes]')
  })

  it('comes with the others of its album, as one message', async () => {
    world.channel.platformFiles.set('a', PNG)
    for (const [text, album] of [
      ['[photo]\nthe garden', 'x'],
      ['[photo]', 'x'],
      ['[photo]', 'y'],
    ])
      say('room', text ?? '', { files: [fromPlatform('a')], album })
    const image = ' [image photo.png 70 bytes]'
    await world.until(() => expect(world.shown('room')).toHaveLength(2))
    const all = world.channel.shown(world.channel.address('room'))
    expect(all[0]).toContain(`demo: [photo]\nthe garden\n[photo]${image}${image}`)
    expect(all[1]).toContain(`demo: [photo]${image}`)
  })
})

describe('a file that an agent sends', () => {
  const workspace = (name: string) => join(world.paths.workspace(GROUP), name)

  it('is a voice message when it is Ogg with Opus, by its bytes and not by its name', async () => {
    const page = Buffer.concat([
      Buffer.from('OggS'),
      Buffer.alloc(24),
      Buffer.from('OpusHead'),
      Buffer.alloc(11),
    ])
    world.say('room', 'hello')
    await answers('room', 'demo: hello')
    writeFileSync(workspace('said.bin'), page)
    writeFileSync(workspace('fake.ogg'), 'OggS and no more of it')
    world.say('room', '/demo file said.bin')
    await world.until(() => expect(filesSent('room')).toHaveLength(1))
    world.say('room', '/demo file fake.ogg')
    await world.until(() => expect(filesSent('room')).toHaveLength(2))
    expect(filesSent('room').map(({ file }) => file.mime)).toEqual([VOICE_TYPE, 'application/octet-stream'])
  })

  it('reaches the chat with its caption, is what its bytes are, and leaves the sandbox', async () => {
    world.say('room', 'hello')
    await answers('room', 'demo: hello')
    writeFileSync(workspace('chart.bin'), PNG)
    world.say('room', '/demo file chart.bin')
    await world.until(() => expect(filesSent('room')).toHaveLength(1))
    const [sent] = filesSent('room')
    expect(sent).toMatchObject({ caption: 'demo: **chart.bin**', file: { name: 'chart.bin', bytes: 70 } })
    expect(sent?.file.image).toEqual({ mime: 'image/png', width: 1, height: 1 })
    expect(readFileSync(join(world.paths.filesDir, sent?.file.sha256 ?? ''))).toEqual(PNG)
    await world.until(() => expect(readdirSync(world.paths.filesOut(GROUP))).toEqual([]))
  })
})
