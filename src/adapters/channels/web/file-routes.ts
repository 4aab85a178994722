import { createReadStream, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { Context, Hono } from 'hono'
import type { ChatFile } from '../../../domain/message.ts'
import { FileRefusedError } from '../../../domain/ports/files.ts'
import { sizeText } from '../../../domain/size-text.ts'
import type { AppEnv, AppParts } from './app-context.ts'
import { findGroup } from './find-group.ts'
import { refuse, refuseForNow, sessionGuard, writeGuard } from './guards.ts'
import { RateLimit } from './rate-limit.ts'
import { soundType } from './sound-type.ts'

/** A browser must neither run nor show as a page what people and agents send. */
const FILE_POLICY = "default-src 'none'; sandbox"
const UPLOAD_MS = 300_000

/** Files of a chat, up and down; all of it needs a login. */
export function addFileRoutes(app: Hono<AppEnv>, parts: AppParts): void {
  const loggedIn = sessionGuard(parts)
  const uploads = new RateLimit({ burst: 40, everyMs: 2_000 })

  // Not a type that a form or a simple request of another site can have: a browser asks before it sends one of those.
  const guard = writeGuard(parts, 'application/octet-stream')
  app.post('/api/chats/:group/files', guard, loggedIn, async (context) => {
    const wait = uploads.take(context.get('session'), parts.clock.now())
    if (wait > 0) return refuseForNow(context, wait, 'Those were many files at once. It goes on in a moment.')
    return await upload(context, parts)
  })
  app.get('/api/chats/:group/files/:line/:index', loggedIn, (context) => download(context, parts))
}

async function upload(context: Context<AppEnv>, parts: AppParts) {
  const tooLarge = `Too large: at most ${sizeText(parts.maxFileBytes)} go into one file.`
  if (findGroup(context, parts) === null) return refuse(context, 404, 'There is no agent of this name.')
  const length = Number(context.req.header('content-length') ?? 0)
  if (length > parts.maxFileBytes) return refuse(context, 413, tooLarge)
  const { body } = context.req.raw
  if (body === null) return refuse(context, 400, 'The file is empty.')
  try {
    const signal = AbortSignal.any([context.req.raw.signal, AbortSignal.timeout(UPLOAD_MS)])
    const stored = await parts.files.add(body, parts.maxFileBytes, signal)
    if (stored.bytes === 0) return refuse(context, 400, 'The file is empty.')
    const { name = '', type = '' } = context.req.query()
    const id = parts.uploads.add(context.get('user'), stored, name, type, parts.clock.now())
    return context.json({ id }, 201)
  } catch (error) {
    if (error instanceof FileRefusedError) {
      const room = /no room/.test(error.message)
      return refuse(
        context,
        413,
        room ? 'There is no room for more files. The owner can raise it.' : tooLarge,
      )
    }
    parts.onFault('upload was not kept', error)
    return refuse(context, 503, 'Creel could not store this file right now. It will be tried again.')
  }
}

/** Asked for by its place in a chat, never by its hash: who may read the chat may read its files, and no others. */
function download(context: Context<AppEnv>, parts: AppParts) {
  const group = findGroup(context, parts)
  const line = group === null ? null : parts.chats.line(group, place(context.req.param('line')))
  const file = line?.files?.[place(context.req.param('index'))]
  if (file === undefined) return refuse(context, 404, 'There is no such file.')
  const path = parts.files.path(file.sha256)
  if (path === null) return refuse(context, 410, 'This file is not kept any more.')
  const headers = fileHeaders(file, statSync(path).size)
  for (const [name, value] of Object.entries(headers)) context.header(name, value)
  return context.body(Readable.toWeb(createReadStream(path)) as ReadableStream)
}

function fileHeaders({ name, image, mime }: ChatFile, bytes: number): Record<string, string> {
  const plain = name.replace(/[^\w. -]/g, '_')
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  return {
    'Content-Type': image?.mime ?? soundType(mime) ?? 'application/octet-stream',
    'Content-Length': String(bytes),
    'Content-Disposition': `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`,
    'Content-Security-Policy': FILE_POLICY,
    'Cache-Control': 'private, max-age=3600',
  }
}

function place(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : -1
}
