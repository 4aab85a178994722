import { MAX_FILES } from '@creel/protocol'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { chatFiles } from '../../../domain/message.ts'
import { type AppEnv, type AppParts, WEB_ACCOUNT, WEB_CHANNEL } from './app-context.ts'
import { EventStream } from './event-stream.ts'
import { findGroup } from './find-group.ts'
import { refuse, refuseForNow, sessionGuard, sizeGuard, writeGuard } from './guards.ts'
import { catchUp, pageFiles } from './page-lines.ts'
import { RateLimit } from './rate-limit.ts'

const PostRequest = z
  .object({
    /** Made by the browser and kept over retries: the platform message id (invariant I2). */
    id: z.string().regex(/^[A-Za-z0-9-]{8,64}$/),
    text: z.string(),
    /** Names that the uploads were given. */
    files: z.array(z.string().max(100)).max(MAX_FILES).default([]),
  })
  .refine(({ text, files }) => text.trim() !== '' || files.length > 0)

/** The chat itself; all of it needs a login. */
export function addChatRoutes(app: Hono<AppEnv>, parts: AppParts): void {
  const loggedIn = sessionGuard(parts)
  const posts = new RateLimit({ burst: 30, everyMs: 2_000 })

  app.get('/api/agents', loggedIn, (context) => context.json({ agents: parts.groups() }))
  app.get('/api/chats/:group/events', loggedIn, (context) => openEvents(context, parts))
  app.post('/api/chats/:group/messages', writeGuard(parts), loggedIn, sizeGuard(), async (context) => {
    const wait = posts.take(context.get('session'), parts.clock.now())
    if (wait > 0) return refuseForNow(context, wait, 'That was a lot at once. It will be sent in a moment.')
    return postMessage(context, parts, await context.req.json().catch(() => null))
  })
}

function postMessage(context: Context<AppEnv>, parts: AppParts, body: unknown) {
  const group = findGroup(context, parts)
  if (group === null) return refuse(context, 404, 'There is no agent of this name.')
  const request = PostRequest.safeParse(body)
  if (!request.success)
    return refuse(context, 400, 'Expected {"id": "8 to 64 letters", "text": "not empty"}.')
  const { id, text } = request.data
  const at = parts.clock.now()
  const files = parts.uploads.take(context.get('user'), request.data.files, at)
  // The page sends the files again, and the message after them.
  if (files === null) return refuse(context, 409, 'Its files have to be sent again.')
  try {
    // Accepted first: were the line first and Creel killed in between, a message would look sent that nobody reads.
    parts.handOver({
      address: { channel: WEB_CHANNEL, account: WEB_ACCOUNT, chat: group },
      chatKind: 'private',
      chatTitle: group,
      platformMessageId: id,
      sender: { id: context.get('user'), name: 'Owner', isBot: false },
      text: text.trim() === '' ? files.map(({ kind, name }) => `[${kind} ${name}]`).join('\n') : text,
      sentAt: at,
      mentionsUs: true,
      ...(files.length === 0 ? {} : { files }),
    })
    const line = parts.chats.append(group, 'user', text, `in:${id}`, at, chatFiles(files))
    parts.hub.line(group, line, id)
    return context.json({ line: line.id, at: line.at, files: pageFiles(group, line) }, 202)
  } catch (error) {
    parts.onFault('web message was not kept', error)
    return refuse(context, 503, 'Creel could not store this right now. It will be tried again.')
  }
}

function openEvents(context: Context<AppEnv>, parts: AppParts) {
  const group = findGroup(context, parts)
  if (group === null) return refuse(context, 404, 'There is no agent of this name.')
  const session = context.get('session')
  if (!parts.hub.hasRoom(session)) {
    return refuseForNow(context, 10_000, 'Too many open pages. Close some tabs of this chat.')
  }
  const seen = lastSeenLine(context.req.header('last-event-id') ?? context.req.query('after') ?? '')
  // Everything up to `join` happens at once, so that no line can fall between history and live.
  const frames = catchUp(group, (after, limit) => parts.chats.lines(group, after, limit), seen, parts.render)
  let leave = (): unknown => undefined
  const stream = new EventStream(context.env.outgoing as never, () => leave())
  for (const frame of frames) stream.write(frame)
  leave = parts.hub.join(group, session, stream)
  return RESPONSE_ALREADY_SENT
}

function lastSeenLine(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0
}
