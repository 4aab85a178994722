import type { Hono } from 'hono'
import { z } from 'zod'
import type { AppEnv, AppParts } from './app-context.ts'
import { isTokenShaped, keepSession, refuse, refuseForNow, sizeGuard, writeGuard } from './guards.ts'
import { RateLimit } from './rate-limit.ts'

const LoginRequest = z.object({ token: z.string().refine(isTokenShaped) })

const DEAD_LINK =
  'This link was used before or is too old. A fresh one: run ./creel link on the machine that Creel runs on.'

/**
 * The one-time link shows a page with a button; only the button's request uses the link up. Programs that fetch
 * addresses from messages for a preview would otherwise take the login away from the person.
 */
export function addLoginRoutes(app: Hono<AppEnv>, parts: AppParts): void {
  const attempts = new RateLimit({ burst: 30, everyMs: 1_000 })

  app.post('/login', writeGuard(parts), sizeGuard(), async (context) => {
    const now = parts.clock.now()
    const wait = attempts.take('login', now)
    if (wait > 0) return refuseForNow(context, wait, 'Too many attempts. Wait a moment and try again.')
    const request = LoginRequest.safeParse(await context.req.json().catch(() => null))
    if (!request.success) return refuse(context, 410, DEAD_LINK)
    const redeemed = parts.logins.redeem(request.data.token, now)
    if (redeemed === null) return refuse(context, 410, DEAD_LINK)
    keepSession(context, parts, redeemed.session)
    return context.body(null, 204)
  })
}
