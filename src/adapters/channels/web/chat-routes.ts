import { MAX_FILES } from '@creel/protocol'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import type { GroupName } from '../../../domain/ids.ts'
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

const PressRequest = z.object({
  /** Made by the browser and kept over retries. */
  id: z.string().regex(/^[A-Za-z0-9-]{8,64}$/),
  line: z.number().int().positive(),
  choice: z.number().int().nonnegative(),
})

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
  app.post('/api/chats/:group/presses', writeGuard(parts), loggedIn, sizeGuard(), async (context) => {
    const wait = posts.take(context.get('session'), parts.clock.now())
    if (wait > 0) return refuseForNow(context, wait, 'That was a lot at once. Try again in a moment.')
    return press(context, parts, await context.req.json().catch(() => null))
  })
}

/** What a button says is looked up in the line: a page names it, and cannot make it say anything else. */
function press(context: Context<AppEnv>, parts: AppParts, body: unknown) {
  const group = findGroup(context, parts)
  if (group === null) return refuse(context, 404, 'There is no agent of this name.')
  const request = PressRequest.safeParse(body)
  if (!request.success) return refuse(context, 400, 'Expected {"id": "…", "line": 1, "choice": 0}.')
  const { id, line, choice } = request.data
  const pressed = parts.chats.line(group, line)?.choices?.[choice]
  if (pressed === undefined) return refuse(context, 410, 'This was answered already, or is over.')
  try {
    parts.handOver({
      ...inChat(context, group),
      platformMessageId: `press:${id}`,
      text: pressed.say,
      sentAt: parts.clock.now(),
    })
    return context.json({ ok: true }, 202)
  } catch (error) {
    parts.onFault('web press was not kept', error)
    return refuse(context, 503, 'Creel could not store this right now. Press it again.')
  }
}

/** What every message of the page says of itself. */
function inChat(context: Context<AppEnv>, group: GroupName) {
  return {
    address: { channel: WEB_CHANNEL, account: WEB_ACCOUNT, chat: group },
    chatKind: 'private' as const,
    chatTitle: group,
    sender: { id: context.get('user'), name: 'Owner', isBot: false },
    mentionsUs: true,
  }
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
      ...inChat(context, group),
      platformMessageId: id,
      text: text.trim() === '' ? files.map(({ kind, name }) => `[${kind} ${name}]`).join('\n') : text,
      sentAt: at,
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
