import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandTranscriber } from '../../src/adapters/transcription/command-transcriber.ts'
import { EndpointTranscriber } from '../../src/adapters/transcription/endpoint-transcriber.ts'
import { FakeTranscriber } from '../fakes/fake-transcriber.ts'
import { isRunning } from '../rig/scribe-marks.ts'
import { ScribeServer } from '../rig/scribe-server.ts'
import { type TranscriberWorld, transcriberContract } from './transcriber.ts'

const SCRIBE = join(import.meta.dirname, '../rig/scribe.mjs')

function recordings() {
  const folder = mkdtempSync(join(tmpdir(), 'creel-voice-'))
  let count = 0
  return {
    folder,
    recording: (text: string, mime = 'audio/ogg') => {
      count += 1
      const path = join(folder, `${count}`)
      writeFileSync(path, text)
      return { path, mime }
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

transcriberContract('the fake', async (): Promise<TranscriberWorld> => {
  const { recording, remove } = recordings()
  const transcriber = new FakeTranscriber()
  return {
    ...{ transcriber, recording },
    running: async () => transcriber.running,
    [Symbol.asyncDispose]: async () => remove(),
  }
})

for (const [how, file] of [
  ['by its path', '{file}'],
  ['on its standard input', undefined],
] as const)
  transcriberContract(`a program that is given the recording ${how}`, async (): Promise<TranscriberWorld> => {
    const { recording, remove, folder } = recordings()
    const marks = join(folder, 'marks')
    writeFileSync(marks, '')
    const rest = file === undefined ? [] : [file]
    const command = [process.execPath, SCRIBE, marks, ...rest] satisfies [string, ...string[]]
    return {
      transcriber: new CommandTranscriber({ command, folder: join(folder, 'work') }),
      recording,
      running: async () => readFileSync(marks, 'utf8').split('\n').filter(isRunning).length,
      [Symbol.asyncDispose]: async () => remove(),
    }
  })

transcriberContract('a service', async (): Promise<TranscriberWorld> => {
  const { recording, remove } = recordings()
  const server = await ScribeServer.start()
  const transcriber = new EndpointTranscriber({
    ...{ baseUrl: server.url, model: 'whisper-1', language: '' },
    authorization: async () => ({ headers: {}, secrets: [] }),
  })
  return {
    ...{ transcriber, recording },
    running: async () => server.hanging,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      remove()
    },
  }
})
