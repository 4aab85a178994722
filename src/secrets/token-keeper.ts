import { backoffMs } from '../backoff.ts'
import { CreelError, errorText } from '../domain/errors.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { type IssuedTokens, LoginRefusedError, type TokenServer } from '../domain/ports/token-server.ts'
import type { Vault } from '../domain/ports/vault.ts'
import type { LoginClient, OAuthSecret } from '../domain/secret.ts'
import { changeValue, findSecret, noSuchSecret } from '../domain/vault-edits.ts'

export interface TokenKeeperPorts {
  readonly vault: Vault
  readonly server: TokenServer
  readonly clock: Clock
  readonly random: () => number
  readonly report: {
    renewed(name: string): void
    /** Over for good; the vault says so, too. */
    refused(name: string, reason: string): void
    /** Tried again later. */
    failed(name: string, reason: string): void
  }
}

/** Renewed this long before the end, or a fifth of its life before, whichever is shorter. */
const AHEAD_MS = 300_000
const AHEAD_SHARE = 5
/** A service that refuses a token which should be good makes it renewed, but not more often than this. */
const FORCED_EVERY_MS = 60_000
const BACKOFF = { baseMs: 1_000, maxMs: 60_000 }
/** A new token that cannot be written is tried to be written again before it is only held in memory. */
const WRITES = 3
const WRITE_PAUSE_MS = 500
/** What the vault keeps of it. */
const MAX_REASON = 300

/** What is known of one login beyond the vault. */
interface Watch {
  renewal: Promise<OAuthSecret> | null
  failures: number
  nextTryAt: number
  /** The access token that a service refused. */
  rejected: string | null
  forcedAt: number
  /** The last renewal, for whoever looked at the vault just before; not yet there when the disk is full. */
  renewed: { readonly from: OAuthSecret; readonly login: OAuthSecret; saved: boolean } | null
}

/** Renews logins: each by one request at a time, before it ends, and written down before anybody uses it. */
export class TokenKeeper {
  readonly #ports: TokenKeeperPorts
  readonly #watches = new Map<string, Watch>()

  constructor(ports: TokenKeeperPorts) {
    this.#ports = ports
  }

  /**
   * The login, good for use now; any number may ask at once. Throws CreelError: `not_found`, `unauthorized` when only
   * a person can log in again, `unavailable` when it could not be renewed this time.
   */
  async fresh(name: string): Promise<OAuthSecret> {
    const stored = findSecret(await this.#ports.vault.read(), name)
    if (stored?.value.kind !== 'oauth') throw noSuchSecret(name)
    const watch = this.#watch(name)
    const { renewed } = watch
    const isOld = renewed !== null && stored.value.access === renewed.from.access
    const login = isOld ? renewed.login : stored.value
    if (watch.renewal) return this.#orTheOld(watch.renewal, login, watch)
    if (login.dead !== null) throw loggedOut(name, login.dead.reason)
    if (isOld && !renewed.saved && this.#ports.clock.now() >= watch.nextTryAt) {
      return this.#alone(watch, () => this.#save(name, watch, 1))
    }
    const { refresh, client } = login
    if (!this.#isDue(login, watch)) return login
    if (refresh === null || client === null) {
      if (this.#isUsable(login, watch)) return login
      throw loggedOut(name, 'it has expired')
    }
    if (this.#ports.clock.now() < watch.nextTryAt) {
      if (this.#isUsable(login, watch)) return login
      throw notNow(name)
    }
    const renewal = this.#alone(watch, () => this.#renew(name, { ...login, refresh, client }, watch))
    return this.#orTheOld(renewal, login, watch)
  }

  /** A service did not take this token though it should be good: the next use renews it. */
  rejected(name: string, access: string): void {
    const watch = this.#watch(name)
    if (this.#ports.clock.now() - watch.forcedAt >= FORCED_EVERY_MS) watch.rejected = access
  }

  /** Waits for what is under way: a new token that is not written is lost. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#watches.values()].map((watch) => watch.renewal))
  }

  /** Whoever asks while this is under way waits for it. */
  #alone(watch: Watch, work: () => Promise<OAuthSecret>): Promise<OAuthSecret> {
    const renewal = work().finally(() => {
      watch.renewal = null
    })
    watch.renewal = renewal
    return renewal
  }

  async #orTheOld(renewal: Promise<OAuthSecret>, old: OAuthSecret, watch: Watch): Promise<OAuthSecret> {
    try {
      return await renewal
    } catch (error) {
      if (error instanceof LoginRefusedError || !this.#isUsable(old, watch)) throw error
      return old
    }
  }

  async #renew(
    name: string,
    login: OAuthSecret & { readonly refresh: string; readonly client: LoginClient },
    watch: Watch,
  ): Promise<OAuthSecret> {
    const { vault, server, clock, report } = this.#ports
    const startedAt = clock.now()
    if (watch.rejected === login.access) watch.forcedAt = startedAt
    // Ahead of the request: if Creel is killed before the answer is written, the next one knows what was lost.
    const asks = (now: OAuthSecret) => ({ ...now, renewingSince: now.renewingSince ?? startedAt })
    await vault.change(changeIfSame(name, login, asks))
    let tokens: IssuedTokens
    try {
      tokens = await server.renew(login.client, login.refresh)
    } catch (error) {
      this.#wait(watch)
      if (error instanceof LoginRefusedError) throw await this.#bury(name, login, error)
      report.failed(name, errorText(error))
      throw error instanceof CreelError ? notNow(name, error) : error
    }
    const renewed: OAuthSecret = {
      ...login,
      access: tokens.access,
      refresh: tokens.refresh ?? login.refresh,
      expiresAt: tokens.expiresAt,
      obtainedAt: clock.now(),
      account: tokens.account ?? login.account,
      renewingSince: null,
    }
    Object.assign(watch, { failures: 0, nextTryAt: 0, rejected: null })
    watch.renewed = { from: login, login: renewed, saved: false }
    report.renewed(name)
    return this.#save(name, watch, WRITES)
  }

  /**
   * Writes the renewed login in place of the old one, unless somebody has put another one there meanwhile. It is good
   * for use even when it cannot be written; then it is tried again at later uses.
   */
  async #save(name: string, watch: Watch, tries: number): Promise<OAuthSecret> {
    const { vault, clock, report } = this.#ports
    const { renewed } = watch
    if (renewed === null) throw noSuchSecret(name)
    for (let left = tries; left > 0; left--) {
      try {
        await vault.change(changeIfSame(name, renewed.from, () => renewed.login))
        renewed.saved = true
        return renewed.login
      } catch (error) {
        report.failed(name, `its new tokens are not on disk yet: ${errorText(error)}`)
        if (left > 1) await clock.sleep(WRITE_PAUSE_MS, new AbortController().signal)
      }
    }
    this.#wait(watch)
    return renewed.login
  }

  #wait(watch: Watch): void {
    watch.failures++
    watch.nextTryAt = this.#ports.clock.now() + backoffMs(watch.failures, BACKOFF, this.#ports.random)
  }

  async #bury(name: string, login: OAuthSecret, error: LoginRefusedError): Promise<LoginRefusedError> {
    const lost =
      login.renewingSince === null
        ? ''
        : `; an earlier renewal (${new Date(login.renewingSince).toISOString()}) was cut off before its answer was written, so the tokens that it brought were lost`
    const reason = `${error.message}${lost}`.slice(0, MAX_REASON)
    const at = this.#ports.clock.now()
    try {
      await this.#ports.vault.change(changeIfSame(name, login, (now) => ({ ...now, dead: { at, reason } })))
      this.#ports.report.refused(name, reason)
    } catch (failure) {
      // The next use finds it out again.
      this.#ports.report.failed(name, `${reason}; ${errorText(failure)}`)
    }
    return loggedOut(name, reason, error)
  }

  #isDue(login: OAuthSecret, watch: Watch): boolean {
    if (watch.rejected === login.access) return true
    if (login.expiresAt === null) return false
    const ahead = Math.min(AHEAD_MS, (login.expiresAt - login.obtainedAt) / AHEAD_SHARE)
    return this.#ports.clock.now() >= login.expiresAt - ahead
  }

  #isUsable(login: OAuthSecret, watch: Watch): boolean {
    if (watch.rejected === login.access) return false
    return login.expiresAt === null || this.#ports.clock.now() < login.expiresAt
  }

  #watch(name: string): Watch {
    const known = this.#watches.get(name)
    if (known) return known
    const never = Number.NEGATIVE_INFINITY
    const watch = { renewal: null, failures: 0, nextTryAt: 0, rejected: null, forcedAt: never, renewed: null }
    this.#watches.set(name, watch)
    return watch
  }
}

/** Changes the login only while it is the one that was renewed: a person may have logged in anew. */
function changeIfSame(name: string, old: OAuthSecret, change: (now: OAuthSecret) => OAuthSecret) {
  return changeValue(name, (now) =>
    now.kind === 'oauth' && now.refresh === old.refresh ? change(now) : null,
  )
}

function loggedOut(name: string, reason: string, cause?: unknown): LoginRefusedError {
  return new LoginRefusedError(`the login ${name} cannot be used any more: ${reason}`, {
    hint: `log in again: ./creel vault login ${name}`,
    cause,
  })
}

function notNow(name: string, cause?: CreelError): CreelError {
  const why = cause === undefined ? '' : `: ${cause.message}`
  return new CreelError('unavailable', `the login ${name} could not be renewed just now${why}`, {
    hint: 'it is tried again by itself',
    cause,
  })
}
