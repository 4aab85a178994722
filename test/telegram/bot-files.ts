import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { type KnownChats, refusalOf } from './send-rules.ts'

/** A file that the bot sent, as a person sees it. */
export interface BotFile {
  readonly method: 'sendPhoto' | 'sendVoice' | 'sendDocument'
  readonly chat_id: string
  readonly name: string
  readonly caption: string
  readonly bytes: Buffer
}

const MAX_CLOUD_BYTES = 20_000_000
const Entities = z.array(z.looseObject({ type: z.string(), offset: z.number(), length: z.number() }))

/**
 * Files of the Bot API, which the emulator has none of: sendPhoto, sendVoice and sendDocument take uploads in Telegram's way and
 * refuse in its words, getFile names a path below which the bytes are. https://core.telegram.org/bots/api#sending-files
 */
export class BotFiles {
  readonly sent: BotFile[] = []
  /** What people have sent, by file id. */
  readonly uploads = new Map<string, Buffer>()
  #lastId = 1_000_000

  /** Telegram's answer to an upload, or its refusal. */
  async take(method: BotFile['method'], body: Buffer, type: string, known: KnownChats) {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
    const field = (name: string) => form.get(name)?.toString()
    const [, file] = [...form].find(([, value]) => value instanceof File) ?? []
    if (!(file instanceof File)) return bad('there is no file in the request')
    const caption = field('caption') ?? ''
    const target = { chat_id: field('chat_id') ?? '', message_thread_id: field('message_thread_id') }
    const entities = Entities.parse(JSON.parse(field('caption_entities') ?? '[]'))
    const refusal = refusalOf({ ...target, text: caption || 'x', entities }, known)
    if (refusal) return refusal
    if (caption.length > 1024) return bad('message caption is too long')
    const bytes = Buffer.from(await file.arrayBuffer())
    if (bytes.length === 0) return bad('file must be non-empty')
    const isImage = bytes[0] === 0x89 || bytes[0] === 0xff
    if (method === 'sendPhoto' && !isImage) return bad('IMAGE_PROCESS_FAILED')
    this.sent.push({ method, chat_id: target.chat_id, name: file.name, caption, bytes })
    this.#lastId += 1
    return { ok: true, result: { message_id: this.#lastId, date: 0, chat: { id: Number(target.chat_id) } } }
  }

  getFile(fileId: unknown) {
    const bytes = this.uploads.get(String(fileId))
    if (bytes === undefined) return bad('wrong file_id or the file is temporarily unavailable')
    if (bytes.length > MAX_CLOUD_BYTES) return bad('file is too big')
    return { ok: true, result: { file_id: fileId, file_path: `photos/${String(fileId)}.jpg` } }
  }

  /** Answers a download; `cut` breaks it off in the middle. */
  serve(path: string, response: ServerResponse, cut: boolean): void {
    const bytes = this.uploads.get(/^photos\/(.*)\.jpg$/.exec(path)?.[1] ?? '')
    if (bytes === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-length': bytes.length })
    if (!cut) return void response.end(bytes)
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy())
  }
}

export async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function bad(text: string): { status: number; text: string } {
  return { status: 400, text: `Bad Request: ${text}` }
}
