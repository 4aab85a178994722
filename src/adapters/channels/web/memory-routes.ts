import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { CreelError } from '../../../domain/errors.ts'
import type { GroupName } from '../../../domain/ids.ts'
import { type AppEnv, type AppParts, WEB_ACCOUNT, WEB_CHANNEL } from './app-context.ts'
import { findGroup } from './find-group.ts'
import { refuse, refuseForNow, sessionGuard, sizeGuard, writeGuard } from './guards.ts'
import { RateLimit } from './rate-limit.ts'

const MAX_FOUND = 50

/** A name as it goes into a command: on one line, and with nothing that is read as something else. */
const Path = z
  .string()
  .max(200)
  .regex(/^[^\p{C}\p{Z}](?:[^\p{C}]*[^\p{C}\p{Z}])?\.md$/u)
  .refine((path) => !path.includes('--was='))

const ChangeRequest = z.object({
  /** Made by the browser and kept over retries. */
  id: z.string().regex(/^[A-Za-z0-9-]{8,64}$/),
  path: Path,
  /** Print of the text that the person saw. */
  was: z.string().regex(/^(?:[0-9a-f]{16}|none)$/),
  /** Name that the upload of its new text was given; null to forget the file. */
  file: z.string().max(100).nullable(),
})

/**
 * The memory of an agent on the page: read by a process that can be killed, changed by what a person could say in the
 * chat as well, in its order and with its rights, inside the sandbox. All of it needs a login.
 */
export function addMemoryRoutes(app: Hono<AppEnv>, parts: AppParts): void {
  const loggedIn = sessionGuard(parts)
  // Each one is a process.
  const looks = new RateLimit({ burst: 30, everyMs: 500 })
  const look =
    (read: (group: GroupName, context: Context<AppEnv>) => Promise<unknown>) =>
    async (context: Context<AppEnv>) => {
      const group = managed(context, parts)
      if (typeof group !== 'string') return group
      const wait = looks.take(context.get('session'), parts.clock.now())
      if (wait > 0) return refuseForNow(context, wait, 'That was a lot at once. Wait a moment.')
      try {
        return context.json((await read(group, context)) as object)
      } catch (error) {
        if (!(error instanceof CreelError)) throw error
        return refuse(
          context,
          error.code === 'not_found' ? 404 : error.code === 'invalid' ? 400 : 503,
          error.message,
        )
      }
    }
  const { reader } = parts.memory
  const base = '/api/chats/:group/memory'
  app.get(
    base,
    loggedIn,
    look((group) => reader.list(group)),
  )
  app.get(
    `${base}/file`,
    loggedIn,
    look((group, context) => reader.read(group, context.req.query('path') ?? '')),
  )
  app.get(
    `${base}/search`,
    loggedIn,
    look((group, context) => {
      const words = (context.req.query('words') ?? '')
        .slice(0, 200)
        .split(/\s+/)
        .filter((word) => word !== '')
      return words.length === 0
        ? Promise.resolve({ found: [], more: false })
        : reader.search(group, words.slice(0, 10), MAX_FOUND)
    }),
  )
  app.post(base, writeGuard(parts), loggedIn, sizeGuard(), async (context) => {
    const group = managed(context, parts)
    return typeof group === 'string'
      ? change(group, context, parts, await context.req.json().catch(() => null))
      : group
  })
}

function change(group: GroupName, context: Context<AppEnv>, parts: AppParts, body: unknown) {
  const request = ChangeRequest.safeParse(body)
  if (!request.success)
    return refuse(context, 400, 'Expected the name of a page that ends in .md, and how it was.')
  const { id, path, was, file } = request.data
  const at = parts.clock.now()
  const files = parts.uploads.take(context.get('user'), file === null ? [] : [file], at)
  if (files === null) return refuse(context, 409, 'Its text has to be sent again.')
  try {
    parts.handOver({
      address: { channel: WEB_CHANNEL, account: WEB_ACCOUNT, chat: group },
      chatKind: 'private',
      chatTitle: group,
      sender: { id: context.get('user'), name: 'Owner', isBot: false },
      mentionsUs: true,
      platformMessageId: `memory:${id}`,
      text: `/memory ${file === null ? 'forget' : 'write'} ${path} --was=${was}`,
      sentAt: at,
      ...(files.length === 0 ? {} : { files }),
    })
    return context.json({ ok: true }, 202)
  } catch (error) {
    parts.onFault('web memory change was not kept', error)
    return refuse(context, 503, 'Creel could not store this right now. Try it again.')
  }
}

/** The group, or the answer for somebody who may not look after its memory. */
function managed(context: Context<AppEnv>, parts: AppParts): GroupName | Response {
  const group = findGroup(context, parts)
  if (group === null) return refuse(context, 404, 'There is no agent of this name.')
  if (parts.memory.mayManage(context.get('user'), group)) return group
  return refuse(context, 403, 'Only an owner or an admin of this agent sees its memory.')
}
