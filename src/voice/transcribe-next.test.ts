import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { FakeFileStore } from '../../test/fakes/fake-file-store.ts'
import { FakeTranscriber } from '../../test/fakes/fake-transcriber.ts'
import { GARDEN, HostTables, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import { Notices } from '../delivery/notices.ts'
import type { ChatId, GroupName } from '../domain/ids.ts'
import type { InboundFile, InboundMessage } from '../domain/message.ts'
import { type TranscribePorts, transcribeNext, type VoiceLimits } from './transcribe-next.ts'

const LIMITS: VoiceLimits = { timeoutMs: 60_000, maxBytes: 100, maxSeconds: 600, queue: 3 }

class VoiceWorld extends HostTables {
  readonly files = new FakeFileStore()
  readonly transcriber = new FakeTranscriber()
  readonly channel = new FakeChannel()
  readonly nudged: GroupName[] = []
  limits = LIMITS
  isSetUp = true
  stop = new AbortController()

  voice(text: string, seconds?: number): InboundFile {
    const stored = this.files.put(Buffer.from(text))
    const more = seconds === undefined ? {} : { seconds }
    return { kind: 'voice', name: 'voice.ogg', mime: 'audio/ogg', bytes: null, from: { stored }, ...more }
  }

  /** A voice message that waits for its words. */
  said(text: string, part: Partial<InboundMessage> = {}, seconds?: number) {
    return this.give(GARDEN, '[voice]', { files: [this.voice(text, seconds)], ...part })
  }

  step(chatId = this.room()) {
    return transcribeNext(chatId, this.ports(), this.stop.signal)
  }

  ports(): TranscribePorts {
    const { transcripts, inbound, files, events, clock, limits, deliveries, directory, roles, channel } = this
    const channelOf = () => channel
    const nudge = () => undefined
    return {
      ...{ transcripts, inbound, files, events, clock, limits },
      transcriber: this.isSetUp ? this.transcriber : null,
      notices: new Notices({ deliveries, directory, roles, clock, channelOf, nudge }),
      random: () => 0.5,
      nudge: (group) => void this.nudged.push(group),
    }
  }

  pending(group = GARDEN) {
    return this.dispatches.pending(group, 10).map(({ inboundId }) => inboundId)
  }

  words(id: Parameters<typeof this.attachments.of>[0]) {
    return this.attachments.of(id).map(({ words }) => words)
  }

  told() {
    return this.outgoing().map(({ part }) => part)
  }
}

let world: VoiceWorld
beforeEach(() => {
  world = new VoiceWorld()
})
afterEach(() => {
  world[Symbol.dispose]()
  return world.files.close()
})

describe('a voice message', () => {
  it('waits for its words, those after it wait for it, and nobody else', async () => {
    const first = world.said('say:water the tomatoes')
    const second = world.give(GARDEN, 'after it')
    const other = world.give(GARDEN, 'elsewhere', {}, 'another session')
    expect(world.pending()).toEqual([other.id])
    expect(world.transcripts.chatsWithUnheard()).toEqual([first.chatId])
    expect(await world.step()).toEqual({ waitMs: 0 })
    expect(world.words(first.id)).toEqual([{ said: 'water the tomatoes' }])
    expect(world.pending()).toEqual([first.id, second.id, other.id])
    expect(world.nudged).toEqual([GARDEN])
    expect(await world.step()).toBe('idle')
    expect(world.told()).toEqual([])
  })

  it('waits for nothing where transcription is off, nor when it was never routed', async () => {
    const row = world.receive('[voice]', { files: [world.voice('say:x')] })
    expect(await world.step()).toBe('idle')
    world.inbound.routed(row.id, 'routed', null, [{ group: KITCHEN, session: 's' }], world.clock.now())
    world.isSetUp = false
    expect(await world.step()).toEqual({ waitMs: 0 })
    expect(world.words(row.id)).toEqual([{ reason: 'transcription is not set up any more' }])
    expect(world.pending(KITCHEN)).toEqual([row.id])
  })

  it('is transcribed when its file has come, and not at all when that cannot be had', async () => {
    const file: InboundFile = { ...world.voice('say:x'), from: { source: 'ref' } }
    const row = world.give(GARDEN, '[voice]', { files: [file, { ...file, from: { source: 'ref2' } }] })
    expect(await world.step()).toBe('idle')
    world.attachments.failed({ inboundId: row.id, position: 0 }, 'gone')
    world.attachments.ready({ inboundId: row.id, position: 1 }, world.files.put(Buffer.from('say:two')))
    expect(world.pending()).toEqual([])
    await world.step()
    expect(world.words(row.id)).toEqual([null, { said: 'two' }])
    expect(world.pending()).toEqual([row.id])
  })

  it('is begun again by the next host, and not counted, when this one stops', async () => {
    const row = world.said('hang:')
    const step = world.step()
    await expect.poll(() => world.transcriber.running).toBe(1)
    world.stop.abort(new Error('stopping'))
    expect(await step).toBe('idle')
    expect(world.transcripts.unheard(row.chatId)).toMatchObject([{ tries: 0 }])
    expect(world.pending()).toEqual([])
  })

  it('is given up when it was begun three times and killed the host each time', async () => {
    const row = world.said('say:x')
    for (const _ of [1, 2, 3]) world.transcripts.begun({ inboundId: row.id, position: 0 })
    await world.step()
    expect(world.transcriber.asked).toEqual([])
    expect(world.words(row.id)).toEqual([{ reason: 'it was tried 3 times' }])
  })

  it('that is cancelled is not transcribed any more', async () => {
    const row = world.said('say:x')
    world.dispatches.cancelPending(GARDEN, row.chatId, world.clock.now())
    expect(world.transcripts.chatsWithUnheard()).toEqual([])
    expect(await world.step()).toBe('idle')
  })
})

describe('a voice message without words goes to its agent with its file and the reason', () => {
  it.each([
    ['', 'it is empty'],
    ['say: \u0000 ', 'no words were found in it'],
  ])('and nobody else is told: %j', async (text, reason) => {
    const row = world.said(text)
    await world.step()
    expect(world.words(row.id)).toEqual([{ reason }])
    expect(world.pending()).toEqual([row.id])
    expect(world.told()).toEqual([])
  })

  it('and whoever sent it is told when it is too large or too long', async () => {
    const long = world.said('say:x', {}, 750)
    const large = world.said(`say:${'x'.repeat(200)}`)
    await world.step()
    await world.step()
    expect(world.words(long.id)).toEqual([{ reason: 'it is 12 min 30 s, and 10 min 00 s is the most' }])
    expect(world.words(large.id)).toEqual([{ reason: 'it is 204 bytes, and 100 bytes is the most' }])
    expect(world.told()).toEqual([
      'This voice message is not transcribed: it is 12 min 30 s, and 10 min 00 s is the most. It was passed on as a file.',
      'This voice message is not transcribed: it is 204 bytes, and 100 bytes is the most. It was passed on as a file.',
    ])
    expect(world.transcriber.asked).toEqual([])
  })

  it('and the owner is told once a day when transcription fails, with what the program said', async () => {
    world.roles.grant(OWNER, 'owner', null, world.clock.now())
    world.receive('hello', {
      address: world.channel.address('owner'),
      chatKind: 'private',
      sender: { id: OWNER, name: 'O', isBot: false },
    })
    const rows = ['die:\u001b[31m `a` **b**', 'die:x', 'bug:x'].map((text) => world.said(text))
    for (const _ of rows) await world.step()
    expect(rows.map(({ id }) => world.words(id))).toEqual([
      [{ reason: 'it cannot be understood' }],
      [{ reason: 'it cannot be understood' }],
      [{ reason: 'the transcription failed' }],
    ])
    expect(world.told()).toEqual([
      "A voice message could not be transcribed, and went to its agent as a file: it cannot be understood (`[31m 'a' **b**`). `./creel doctor --live` tries it.",
    ])
  })

  it('when it takes too long', async () => {
    world.limits = { ...LIMITS, timeoutMs: 20 }
    const row = world.said('hang:')
    await world.step()
    expect(world.words(row.id)).toEqual([{ reason: 'it took longer than 0 s' }])
    expect(world.transcriber.running).toBe(0)
  })

  it('after three tries of a service that has too much to do, with waits between them', async () => {
    const row = world.said('again:')
    const waits = [await world.step()]
    expect(await world.step()).toEqual(waits[0])
    expect(world.transcriber.asked).toHaveLength(1)
    world.clock.set(world.clock.now() + 30_000)
    waits.push(await world.step())
    world.clock.set(world.clock.now() + 30_000)
    expect(await world.step()).toEqual({ waitMs: 0 })
    for (const wait of waits) expect(wait).toMatchObject({ waitMs: expect.any(Number) })
    expect(world.words(row.id)).toEqual([{ reason: 'it is busy' }])
  })

  it('when too many of its chat wait, the newest first, and the chat is told once', async () => {
    const rows = [1, 2, 3, 4, 5].map((n) => world.said(`say:${n}`))
    const elsewhere = world.said('say:other', { address: world.channel.address('yard') })
    await world.step()
    const reason = 'more than 3 voice messages of this chat wait for it'
    expect(rows.map(({ id }) => world.words(id)[0])).toEqual([
      { said: '1' },
      null,
      null,
      { reason },
      { reason },
    ])
    await world.step(elsewhere.chatId as ChatId)
    expect(world.words(elsewhere.id)).toEqual([{ said: 'other' }])
    expect(world.told()).toEqual([
      `Some voice messages are not transcribed: ${reason}. They were passed on as files.`,
    ])
  })
})
