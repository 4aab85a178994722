import { openAsBlob } from 'node:fs'
import { z } from 'zod'
import { CreelError } from '../../domain/errors.ts'
import { type Recording, type Transcriber, TranscriptionError } from '../../domain/ports/transcription.ts'
import { recordingName } from './recording-name.ts'

const MAX_ANSWER = 1_000_000
const MAX_COMPLAINT = 2_000
/** Between two tries of a service that is down or has too much to do. */
const AGAIN_MS = 2_000

const Answer = z.object({ text: z.string() })

export interface EndpointTranscriberOptions {
  /** Address above `/v1/audio/transcriptions`. */
  readonly baseUrl: string
  readonly model: string
  /** Empty: the service finds it out. */
  readonly language: string
  /**
   * What a request to this address goes with, asked for each time. Throws CreelError when there is no such secret or it
   * is for another place.
   */
  readonly authorization: (url: URL) => Promise<ServiceKey>
}

export interface ServiceKey {
  readonly headers: Readonly<Record<string, string>>
  /** Texts that must not be seen in what comes back. */
  readonly secrets: readonly string[]
}

/** Has a service write recordings down that speaks as OpenAI's does. */
export class EndpointTranscriber implements Transcriber {
  readonly #options: EndpointTranscriberOptions

  constructor(options: EndpointTranscriberOptions) {
    this.#options = options
  }

  async transcribe(recording: Recording, signal: AbortSignal): Promise<string> {
    const { baseUrl, authorization } = this.#options
    const url = new URL(`${baseUrl.replace(/\/+$/, '')}/v1/audio/transcriptions`)
    let key: ServiceKey
    try {
      key = await authorization(url)
    } catch (error) {
      if (!(error instanceof CreelError)) throw error
      throw new TranscriptionError('the key for it is missing', { detail: error.message, cause: error })
    }
    const { body, type } = await this.#form(recording)
    const headers = { ...key.headers, 'content-type': type }
    let response: Response
    try {
      // Not to follow: a key must not go where nobody said.
      response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
    } catch (error) {
      signal.throwIfAborted()
      throw unreachable(error)
    }
    const text = await read(response, response.ok ? MAX_ANSWER : MAX_COMPLAINT, signal)
    if (response.ok) return wordsOf(text)
    throw refused(response, hidden(text ?? '', key.secrets))
  }

  async close(): Promise<void> {
    return
  }

  /** In one piece: a form that is still being read when the request is ended throws where nobody can catch it. */
  async #form({ path, mime }: Recording): Promise<{ body: ArrayBuffer; type: string }> {
    const { model, language } = this.#options
    const form = new FormData()
    form.set('file', await openAsBlob(path), recordingName(mime))
    form.set('model', model)
    form.set('response_format', 'json')
    if (language !== '') form.set('language', language)
    const encoded = new Response(form)
    return { body: await encoded.arrayBuffer(), type: encoded.headers.get('content-type') ?? '' }
  }
}

/** Null when it is longer than that. */
async function read(response: Response, maxBytes: number, signal: AbortSignal): Promise<string | null> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of response.body ?? []) {
      bytes += piece.byteLength
      if (bytes > maxBytes) break
      pieces.push(piece)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable(error)
  }
  return bytes > maxBytes && response.ok ? null : Buffer.concat(pieces).toString('utf8')
}

function wordsOf(text: string | null): string {
  if (text === null) throw new TranscriptionError('the transcription service answered far too much')
  const answer = Answer.safeParse(parsed(text))
  if (answer.success) return answer.data.text
  throw new TranscriptionError('the transcription service answered nonsense')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function refused(response: Response, detail: string): TranscriptionError {
  const { status, headers } = response
  if (status === 429 || status === 408 || status >= 500) {
    const askedS = Number(headers.get('retry-after') ?? 0)
    const againAfterMs = Number.isFinite(askedS) ? Math.max(AGAIN_MS, askedS * 1_000) : AGAIN_MS
    return new TranscriptionError(`the transcription service failed (${status})`, { detail, againAfterMs })
  }
  if (status === 401 || status === 403)
    return new TranscriptionError(`the transcription service does not take the key (${status})`, { detail })
  if (status === 413) return new TranscriptionError('it is too large for the transcription service')
  return new TranscriptionError(`the transcription service refused it (${status})`, { detail })
}

/** Codes only: other words of a fetch may hold the address. */
function unreachable(error: unknown): TranscriptionError {
  const { code } = (error as { cause?: { code?: unknown } }).cause ?? {}
  const detail = typeof code === 'string' ? code : 'the connection broke'
  return new TranscriptionError('the transcription service cannot be reached', {
    ...{ detail, againAfterMs: AGAIN_MS, cause: error },
  })
}

function hidden(text: string, secrets: readonly string[]): string {
  return secrets.reduce((all, secret) => all.replaceAll(secret, '***'), text)
}
