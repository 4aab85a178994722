import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ScribeServer } from '../../../test/rig/scribe-server.ts'
import { CreelError } from '../../domain/errors.ts'
import { EndpointTranscriber, type EndpointTranscriberOptions } from './endpoint-transcriber.ts'

const KEY = 'sk-very-secret-key'
const never = new AbortController().signal

let folder: string
let server: ScribeServer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'creel-voice-'))
  server = await ScribeServer.start()
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

function heard(text: string, more: Partial<EndpointTranscriberOptions> = {}): Promise<string> {
  const path = join(folder, 'recording')
  writeFileSync(path, text)
  const transcriber = new EndpointTranscriber({
    ...{ baseUrl: `${server.url}/`, model: 'whisper-large', language: 'de' },
    authorization: async () => ({ headers: { authorization: `Bearer ${KEY}` }, secrets: [KEY] }),
    ...more,
  })
  return transcriber.transcribe({ path, mime: 'audio/ogg; codecs=opus' }, never)
}

it('asks as OpenAI is asked', async () => {
  expect(await heard('say:good morning')).toBe('good morning')
  expect(server.requests).toMatchObject([
    {
      path: '/v1/audio/transcriptions',
      headers: { authorization: `Bearer ${KEY}` },
      fields: { model: 'whisper-large', language: 'de', response_format: 'json' },
      file: { name: 'audio.ogg', text: 'say:good morning' },
    },
  ])
})

it('waits when a service has too much to do, and asks again when it is down', async () => {
  await expect(heard('again:')).rejects.toMatchObject({ againAfterMs: 7_000 })
  await expect(heard('broken:')).rejects.toMatchObject({
    message: 'the transcription service failed (503)',
    againAfterMs: 7_000,
  })
  await expect(heard('say:x', { baseUrl: 'http://127.0.0.1:1' })).rejects.toMatchObject({
    message: 'the transcription service cannot be reached',
    againAfterMs: 2_000,
  })
})

it('takes the key nowhere else and shows it to nobody', async () => {
  await expect(heard('moved:')).rejects.toMatchObject({
    message: 'the transcription service refused it (302)',
    againAfterMs: null,
  })
  expect(server.requests).toHaveLength(1)
  await expect(heard('key:')).rejects.toMatchObject({
    message: 'the transcription service does not take the key (401)',
    detail: 'no such key Bearer ***',
  })
})

it.each([
  ['nonsense:', 'answered nonsense'],
  ['flood:', 'answered far too much'],
  ['other:', 'refused it (400)'],
])('says what is wrong with an answer: %s', async (text, message) => {
  await expect(heard(text)).rejects.toThrow(message)
})

it('asks nobody when the key is missing', async () => {
  const authorization = async () => {
    throw new CreelError('not_found', 'there is no secret "openai/main"')
  }
  await expect(heard('say:x', { authorization })).rejects.toMatchObject({
    message: 'the key for it is missing',
    detail: 'there is no secret "openai/main"',
  })
  expect(server.requests).toEqual([])
})
