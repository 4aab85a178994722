import { expect, it } from 'vitest'
import { startModelMock } from '../../bench/model-mock.ts'
import { HostWorld } from '../rig/host-world.ts'

/** The mock of OpenAI's services, which is not ours. */
it('a voice message is written down by a service that answers as OpenAI does', async () => {
  const mock = await startModelMock()
  mock.onTranscription({ transcription: { text: 'water the tomatoes at eight' } })
  const settings = `[transcription]\nbase_url = "${mock.url}"\nlanguage = "en"\n`
  const world = new HostWorld({ groups: { garden: { provider: 'demo' } }, settings })
  try {
    await world.host.start()
    world.bind('room', 'garden')
    world.channel.platformFiles.set('v', Buffer.from('OggS, as far as the mock is concerned'))
    const voice = { kind: 'voice' as const, name: 'voice.ogg', mime: 'audio/ogg', bytes: null }
    world.say('room', '[voice 3 s]', { files: [{ ...voice, from: { source: 'v' } }] })
    const answers = () => world.channel.shown(world.channel.address('room'))
    await world.until(() => expect(answers()).toHaveLength(1))
    expect(answers()[0]).toContain('voice message, transcribed: water the tomatoes at eight')
  } finally {
    await world[Symbol.asyncDispose]()
    await mock.stop()
  }
})
