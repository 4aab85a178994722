import type { Api } from 'grammy'
import { ChannelRefusedError, ChannelUnreachableError, RetryAfterError } from '../../../domain/errors.ts'
import { sizeText } from '../../../domain/size-text.ts'
import { apiFailure, failureText, isTokenRefused } from './api-failure.ts'

/** https://core.telegram.org/bots/api#getfile */
const MAX_CLOUD_BYTES = 20_000_000

export interface FilePlace {
  readonly api: Api
  readonly apiRoot: string
  readonly token: string
  /** Telegram's own server, and not one of the operator's, which gives larger files. */
  readonly isCloud: boolean
}

/** Opens a file by Telegram's reference, as `Channel.fetchFile` promises. The address, which has the token, stays here. */
export async function fetchFile(
  place: FilePlace,
  fileId: string,
  bytes: number | null,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  if (place.isCloud && bytes !== null && bytes > MAX_CLOUD_BYTES) throw tooLarge()
  const path = await filePath(place, fileId, signal)
  let response: Response
  try {
    response = await fetch(`${place.apiRoot}/file/bot${place.token}/${path}`, { signal, redirect: 'error' })
  } catch (error) {
    throw new ChannelUnreachableError(`the file cannot be fetched: ${failureText(apiFailure(error))}`, {
      ambiguous: false,
    })
  }
  if (response.status === 404) throw new ChannelRefusedError('Telegram does not have it any more')
  if (!response.ok || response.body === null) {
    throw new ChannelUnreachableError(`the file cannot be fetched: ${response.status}`, { ambiguous: false })
  }
  return pieces(response.body)
}

async function filePath({ api }: FilePlace, fileId: string, signal: AbortSignal): Promise<string> {
  try {
    const { file_path } = await api.getFile(fileId, signal as Parameters<Api['getFile']>[1])
    // A local server may name a path of its own disk, which is not ours to read.
    if (file_path !== undefined && /^[\w][\w./-]*$/.test(file_path) && !file_path.includes('..')) {
      return file_path
    }
  } catch (error) {
    const failure = apiFailure(error)
    if (failure.kind === 'wait') throw new RetryAfterError(failure.delayMs)
    if (failure.kind === 'network' || failure.status >= 500 || isTokenRefused(failure)) {
      throw new ChannelUnreachableError(failureText(failure), { ambiguous: false })
    }
    if (/too big/i.test(failure.text)) throw tooLarge()
    throw new ChannelRefusedError(`Telegram does not give it: ${failure.text}`)
  }
  throw new ChannelRefusedError('Telegram does not say where it is')
}

function tooLarge(): ChannelRefusedError {
  return new ChannelRefusedError(
    `too large to fetch, Telegram's limit for bots is ${sizeText(MAX_CLOUD_BYTES)}`,
  )
}

async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    // Codes only: other words of a fetch may hold the address.
    throw new ChannelUnreachableError(`the file was cut off: ${failureText(apiFailure(error))}`, {
      ambiguous: false,
    })
  }
}
