// Composition root, the part about voice messages: what writes them down, and with which key.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { CommandTranscriber } from './adapters/transcription/command-transcriber.ts'
import { EndpointTranscriber, type ServiceKey } from './adapters/transcription/endpoint-transcriber.ts'
import type { Install } from './config/load.ts'
import type { Core } from './core.ts'
import { CreelError, errorText } from './domain/errors.ts'
import { injectionOf } from './domain/injection.ts'
import { type Transcriber, TranscriptionError } from './domain/ports/transcription.ts'
import { type StoredSecret, serviceOf } from './domain/secret.ts'
import { findSecret, noSuchSecret } from './domain/vault-edits.ts'
import { cleanName } from './markdown/clean-text.ts'
import type { CheckResult } from './secrets/secret-check.ts'
import { testRecording } from './voice/test-recording.ts'
import type { VoiceLimits } from './voice/transcribe-next.ts'

/** What `[transcription]` of creel.toml names; null when nothing. Opens nothing yet. */
export function transcriberOf(
  { install, vault }: Pick<Core, 'install' | 'vault'>,
  folder = install.paths.voiceDir,
): Transcriber | null {
  const { base_url: baseUrl, model, language, secret } = install.config.transcription
  const command = transcriptionCommand(install)
  if (command) return new CommandTranscriber({ command, folder })
  if (baseUrl === '') return null
  return new EndpointTranscriber({
    ...{ baseUrl, model, language },
    authorization: async (url) => {
      if (secret === '') return { headers: {}, secrets: [] }
      const found = findSecret(await vault.read(), secret)
      if (found === null) throw noSuchSecret(secret)
      return keyFor(found, url)
    },
  })
}

/** A program that is named by a path lies in the project, as other files of creel.toml do. */
export function transcriptionCommand({ config, projectDir }: Install): [string, ...string[]] | null {
  const [program, ...args] = config.transcription.command
  if (program === undefined) return null
  return [program.includes('/') && !isAbsolute(program) ? resolve(projectDir, program) : program, ...args]
}

/** What goes with a request to the service. Throws CreelError when this secret is not for it. */
function keyFor({ name, value }: StoredSecret, url: URL): ServiceKey {
  if (value.kind === 'api-key' && serviceOf(name) === 'openai')
    return { headers: { authorization: `Bearer ${value.key}` }, secrets: [value.key] }
  const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port)
  const request = { host: url.hostname, port, path: url.pathname, secure: url.protocol === 'https:' }
  const injection = injectionOf(value, request)
  if (injection !== null && Object.keys(injection.query).length === 0) return injection
  throw new CreelError('invalid', `the secret ${name} is not one for ${url.host}`, {
    hint: 'a key of the kind openai/NAME, or a bearer or header secret for that host: ./creel vault set',
  })
}

/** Bounds of what is transcribed. */
export function voiceLimits({ config }: Install): VoiceLimits & { readonly atOnce: number } {
  const { timeout_s, max_mb, max_s, queue, at_once } = config.transcription
  return {
    timeoutMs: timeout_s * 1_000,
    maxBytes: max_mb * 1_000_000,
    maxSeconds: max_s,
    queue,
    atOnce: at_once,
  }
}

/** Tries with a short recording of our own whether what is set up transcribes at all. */
export function voiceTester(core: Core): () => Promise<CheckResult> {
  return async () => {
    const folder = `${core.install.paths.voiceDir}-test`
    const transcriber = transcriberOf(core, join(folder, 'runs'))
    if (transcriber === null) return { ok: true, what: 'off', ms: 0 }
    const from = core.clock.now()
    const took = () => core.clock.now() - from
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const path = join(folder, 'recording.wav')
      writeFileSync(path, testRecording())
      const limit = AbortSignal.timeout(voiceLimits(core.install).timeoutMs)
      await transcriber.transcribe({ path, mime: 'audio/wav' }, limit)
      return { ok: true, what: 'it takes a recording', ms: took() }
    } catch (error) {
      const detail = error instanceof TranscriptionError ? cleanName(error.detail, 200) : ''
      return {
        ok: false,
        what: detail === '' ? errorText(error) : `${errorText(error)}: ${detail}`,
        ms: took(),
      }
    } finally {
      await transcriber.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
