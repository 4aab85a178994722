import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getCookie, setCookie } from 'hono/cookie'
import { WEB_SESSION_MS } from '../../../domain/ports/web-logins.ts'
import type { AppEnv, AppParts } from './app-context.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** Longest body of a request, in bytes. */
export const MAX_BODY_BYTES = 64 * 1024

/** Puts the security headers on every answer, then refuses names that are not ours (DNS rebinding). */
export function hostGuard(parts: AppParts): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.header(name, value)
    const host = (context.req.header('host') ?? '').toLowerCase()
    if (context.req.path === '/healthz' || parts.sites().hosts.has(host)) return next()
    return context.text(
      'This is not an address of this Creel. If it should be, set web.public_url in creel.toml and restart.\n',
      421,
    )
  }
}

/** Refuses what a page elsewhere could make a browser post: a foreign Origin, or a body of another type. */
export function writeGuard(
  parts: AppParts,
  expected: 'application/json' | 'application/octet-stream' = 'application/json',
): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    if (!parts.sites().origins.has(context.req.header('origin') ?? '')) {
      return refuse(context, 403, 'This request did not come from the chat page.')
    }
    const type = (context.req.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
    if (type !== expected) return refuse(context, 415, `Expected content-type ${expected}.`)
    return next()
  }
}

/** Lets through who is logged in, and notes who that is. */
export function sessionGuard(parts: AppParts): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const found = currentSession(context, parts)
    if (found === null) return refuse(context, 401, 'You are signed out. Get a new link with ./creel link')
    context.set('session', found.session)
    context.set('user', found.user)
    return next()
  }
}

export function sizeGuard(): MiddlewareHandler<AppEnv> {
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (context) =>
      context.json({ error: `Too long: at most ${MAX_BODY_BYTES / 1024} kB go into one message.` }, 413),
  })
}

/** Who is logged in, by cookie; null when nobody. */
export function currentSession(context: Context<AppEnv>, parts: AppParts) {
  const session = getCookie(context, cookieName(parts))
  if (session === undefined || !isTokenShaped(session)) return null
  const found = parts.logins.session(session, parts.clock.now())
  return found === null ? null : { session, user: found.user }
}

/** Gives the browser its session, or moves the end of the one it has, as the server did on its side. */
export function keepSession(context: Context<AppEnv>, parts: AppParts, session: string): void {
  setCookie(context, cookieName(parts), session, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    secure: parts.sites().publicOrigin.startsWith('https:'),
    maxAge: WEB_SESSION_MS / 1000,
  })
}

/**
 * Browsers do not tell the ports of one host apart when they send cookies, so the port is in the name: two installs
 * on one machine do not log each other out.
 */
function cookieName(parts: AppParts): string {
  const { publicOrigin } = parts.sites()
  if (publicOrigin.startsWith('https:')) return '__Host-creel'
  return `creel-${new URL(publicOrigin).port || '80'}`
}

export function isTokenShaped(token: string): boolean {
  return /^[A-Za-z0-9_-]{20,100}$/.test(token)
}

export function refuse(
  context: Context<AppEnv>,
  status: 400 | 401 | 403 | 404 | 409 | 410 | 413 | 415 | 429 | 503,
  error: string,
) {
  return context.json({ error }, status)
}

/** Says how long to wait. */
export function refuseForNow(context: Context<AppEnv>, waitMs: number, error: string) {
  context.header('Retry-After', String(Math.ceil(waitMs / 1000)))
  return refuse(context, 429, error)
}
