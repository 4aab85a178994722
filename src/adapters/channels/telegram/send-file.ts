import { type Api, InputFile } from 'grammy'
import { ChannelRefusedError } from '../../../domain/errors.ts'
import { type ApiFailure, apiFailure } from './api-failure.ts'
import type { TelegramFilePart } from './render-file.ts'
import { entitiesOf, plainTextOf } from './render-parts.ts'
import type { Target } from './send-target.ts'

interface Way {
  readonly as: 'photo' | 'voice' | 'document'
  readonly formatted: boolean
}

/**
 * Sends a file: as a photo or a voice message, as a document when Telegram refuses that (400: nothing was sent; a person
 * may have forbidden voice messages), and with a plain caption when it refuses the document. Returns the message's id, or
 * how the last try failed.
 */
export async function sendFile(
  api: Api,
  target: Target,
  part: TelegramFilePart,
  path: string | null,
  signal: AbortSignal,
): Promise<string | ApiFailure> {
  if (path === null) throw new ChannelRefusedError(`the file "${part.file.name}" is not kept any more`)
  const ways: Way[] = [
    ...(part.file.as === 'document' ? [] : [{ as: part.file.as, formatted: true }]),
    { as: 'document', formatted: true },
    { as: 'document', formatted: false },
  ]
  let last: string | ApiFailure = { kind: 'network', text: 'not tried', sent: false }
  for (const way of ways) {
    last = await attempt(api, target, part, path, way, signal)
    const refused = typeof last !== 'string' && last.kind === 'answered' && last.status === 400
    if (!refused || (typeof last !== 'string' && last.kind === 'answered' && last.newChat !== undefined))
      break
  }
  return last
}

async function attempt(
  api: Api,
  target: Target,
  { file, caption }: TelegramFilePart,
  path: string,
  { as, formatted }: Way,
  signal: AbortSignal,
): Promise<string | ApiFailure> {
  const input = new InputFile(path, headerValue(file.name))
  const options = {
    ...(caption === null ? {} : { caption: formatted ? caption.text : plainTextOf(caption).slice(0, 1024) }),
    ...(caption === null || !formatted || caption.entities.length === 0
      ? {}
      : { caption_entities: entitiesOf(caption) }),
    ...(target.thread === undefined ? {} : { message_thread_id: target.thread }),
  }
  const limit = signal as Parameters<Api['sendDocument']>[3]
  try {
    const sent = await call(api, as)(target.chat, input, options, limit)
    return String(sent.message_id)
  } catch (error) {
    return apiFailure(error)
  }
}

type Upload = (...given: Parameters<Api['sendDocument']>) => Promise<{ readonly message_id: number }>

function call(api: Api, as: Way['as']): Upload {
  if (as === 'photo') return (...given) => api.sendPhoto(...given)
  return as === 'voice' ? (...given) => api.sendVoice(...given) : (...given) => api.sendDocument(...given)
}

/** grammY writes the name into a header as it is: quoted here, and with nothing in it that could end the quotes. */
function headerValue(name: string): string {
  return `"${name.replace(/["\\]|\p{Cc}/gu, '_')}"`
}
