import { setTimeout as delay } from 'node:timers/promises'
import type { Api } from 'grammy'
import type { Update, UserFromGetMe } from 'grammy/types'
import { CreelError } from '../../../domain/errors.ts'
import { type ApiFailure, apiFailure, failureText, isTokenRefused } from './api-failure.ts'
import type { TelegramLog } from './telegram-log.ts'

/** Everything else is not sent to us at all: channel posts, reactions, membership. */
const ALLOWED_UPDATES = ['message', 'edited_message', 'callback_query'] as const
const LONG_POLL_S = 30
const CONFIRM_TIMEOUT_MS = 5_000

export interface PollOptions {
  readonly api: Api
  readonly log: TelegramLog
  /** Waits between failures: doubled from `minMs` up to `maxMs`. */
  readonly backoff: { readonly minMs: number; readonly maxMs: number }
}

type GrammySignal = Parameters<Api['getMe']>[0]

/**
 * The one loop that asks Telegram for updates. grammY's own loop confirms an update also when its handler
 * failed; this one names an offset only after `take` returned, so what was not kept comes again (I1).
 */
export class UpdatePoller {
  readonly #api: Api
  readonly #log: TelegramLog
  readonly #backoff: PollOptions['backoff']
  /** First update that is not kept yet. */
  #offset: number | undefined
  #confirmed: number | undefined
  #failures = 0
  #saidConflict = false

  constructor(options: PollOptions) {
    this.#api = options.api
    this.#log = options.log
    this.#backoff = options.backoff
  }

  /** Who we are; waits for the network as long as it takes. Undefined when aborted first. */
  async identify(signal: AbortSignal): Promise<UserFromGetMe | undefined> {
    return await this.#persistently('getMe', () => this.#api.getMe(signal as GrammySignal), signal)
  }

  /**
   * Runs until aborted. `take` throwing keeps the update, and all after it, unconfirmed; `together` throwing keeps all of
   * one answer so. `kept` hears of what was taken, once it is sure.
   */
  async run(
    take: (update: Update) => void,
    signal: AbortSignal,
    together: <T>(work: () => T) => T = (work) => work(),
    kept: (update: Update) => void = () => undefined,
  ): Promise<void> {
    while (!signal.aborted) {
      const updates = await this.#persistently('getUpdates', () => this.#fetch(signal), signal)
      if (updates === undefined) break
      const all = this.#takeTogether(updates, take, together)
      for (const update of updates) if (update.update_id < (this.#offset ?? 0)) kept(update)
      if (!all) await this.#pause(signal)
    }
    await this.#confirm()
  }

  async #fetch(signal: AbortSignal): Promise<Update[]> {
    const offset = this.#offset
    const updates = await this.#api.getUpdates(
      {
        ...(offset === undefined ? {} : { offset }),
        limit: 100,
        timeout: LONG_POLL_S,
        allowed_updates: ALLOWED_UPDATES,
      },
      signal as GrammySignal,
    )
    if (!Array.isArray(updates)) throw new TypeError('getUpdates gave no list')
    this.#confirmed = offset
    return updates
  }

  #takeTogether(
    updates: readonly Update[],
    take: (update: Update) => void,
    together: <T>(work: () => T) => T,
  ): boolean {
    const before = this.#offset
    try {
      return together(() => this.#takeAll(updates, take))
    } catch (error) {
      this.#offset = before
      this.#notKept(updates[0], error)
      return false
    }
  }

  #notKept(update: Update | undefined, error: unknown): void {
    this.#failures += 1
    this.#log.error(
      { update: update?.update_id, error: error instanceof Error ? error.message : String(error) },
      'message not kept, asking Telegram for it again',
    )
  }

  #takeAll(updates: readonly Update[], take: (update: Update) => void): boolean {
    for (const update of updates) {
      try {
        take(update)
      } catch (error) {
        this.#notKept(update, error)
        return false
      }
      this.#offset = update.update_id + 1
    }
    this.#failures = 0
    return true
  }

  /** Without this, a stopped program would get its last messages again at the next start. */
  async #confirm(): Promise<void> {
    const offset = this.#offset
    if (offset === undefined || offset === this.#confirmed) return
    try {
      const signal = AbortSignal.timeout(CONFIRM_TIMEOUT_MS) as GrammySignal
      await this.#api.getUpdates({ offset, limit: 1, timeout: 0, allowed_updates: ALLOWED_UPDATES }, signal)
      this.#confirmed = offset
    } catch (error) {
      const reason = failureText(apiFailure(error))
      this.#log.warn({ reason }, 'last messages not confirmed, they will come again and be recognised')
    }
  }

  async #persistently<T>(
    method: string,
    call: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    let failed = false
    while (!signal.aborted) {
      try {
        const result = await call()
        if (failed) this.#log.info({ method }, 'telegram answers again')
        this.#saidConflict = false
        return result
      } catch (error) {
        if (signal.aborted) return undefined
        const failure = apiFailure(error)
        if (isTokenRefused(failure)) throw tokenRefused(failure)
        this.#report(method, failure, failed)
        failed = true
        this.#failures += 1
        await this.#pause(signal, failure.kind === 'wait' ? failure.delayMs : undefined)
      }
    }
    return undefined
  }

  #report(method: string, failure: ApiFailure, failedBefore: boolean): void {
    if (failure.kind === 'answered' && failure.status === 409) {
      if (this.#saidConflict) return
      this.#saidConflict = true
      this.#log.error({ method }, conflictText(failure.text))
      return
    }
    const fields = { method, reason: failureText(failure) }
    if (failedBefore) this.#log.debug(fields, 'telegram still does not answer')
    else this.#log.warn(fields, 'telegram does not answer, trying again until it does')
  }

  async #pause(signal: AbortSignal, askedMs?: number): Promise<void> {
    const { minMs, maxMs } = this.#backoff
    const ms = askedMs ?? Math.min(maxMs, minMs * 2 ** Math.min(Math.max(this.#failures - 1, 0), 20))
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

function conflictText(answer: string): string {
  return /webhook/i.test(answer)
    ? 'this bot has a webhook, so its messages go elsewhere: remove it (deleteWebhook) or use another bot'
    : 'another program is reading the messages of this bot: stop it, or give Creel a bot of its own'
}

function tokenRefused(failure: ApiFailure): CreelError {
  return new CreelError('unauthorized', `Telegram does not accept the bot token (${failureText(failure)})`, {
    hint: 'Copy the token from @BotFather on Telegram (/mybots, then "API Token"; /newbot makes a bot) into the token file. With a Bot API server of your own, check api_root as well.',
  })
}
