import type { FailureReason, TurnEvent } from '@creel/protocol'
import type { ResultMessage, RetryMessage } from './sdk-message.ts'

type Failed = Extract<TurnEvent, { type: 'failed' }>

/** What was seen of a failing turn before its result. */
export interface FailureHints {
  /** The word that the SDK puts on the message it makes up for a failed request: `rate_limit`, … */
  readonly apiError?: string | undefined
  readonly lastRetry?: RetryMessage | undefined
}

const MAX_MESSAGE = 1_000
/** A longer wait than this is not a rate limit that a turn sits out. */
const MAX_RETRY_AFTER_MS = 3_600_000

const LOST_SESSION =
  /No conversation found|--resume requires a valid session|Session ID .* is already in use|Failed to resume/i
const TOO_LONG = /prompt is too long|context (?:window|length)|exceeds? .*context/i
const USED_UP = /credit balance|usage limit|out of (?:extra )?usage|quota|billing/i
const CUT_OFF = /connection|ECONN|socket|network|fetch failed/i

/** Words of the SDK (`SDKAssistantMessageError`) that leave no doubt. */
const BY_WORD: Readonly<Record<string, FailureReason>> = {
  authentication_failed: 'auth',
  oauth_org_not_allowed: 'auth',
  billing_error: 'quota',
  rate_limit: 'rate-limited',
  overloaded: 'overloaded',
  server_error: 'overloaded',
}

/**
 * Why a result that reports an error failed. The SDK calls failed requests `success` (its `subtype` says only that
 * the loop ended), so nothing here looks at that. Pure.
 */
export function failureOf(result: ResultMessage, hints: FailureHints = {}): Failed {
  const said = [...result.errors, result.result ?? ''].filter((text) => text !== '').join('; ')
  const message = (said || result.terminal_reason || result.subtype).slice(0, MAX_MESSAGE)
  const reason = reasonOf(result, said, hints)
  const wait = hints.lastRetry?.retry_delay_ms
  const known = reason === 'rate-limited' && wait !== undefined && wait > 0
  return {
    type: 'failed',
    reason,
    message,
    ...(known ? { retryAfterMs: Math.min(Math.ceil(wait), MAX_RETRY_AFTER_MS) } : {}),
  }
}

/** Answers that mean a failure although the result does not call itself an error. */
export function isFailure(result: ResultMessage): boolean {
  return result.is_error || result.stop_reason === 'refusal'
}

/** Why a turn failed whose process died before a result. */
export function failureOfDeath(error: string): Failed {
  const reason = LOST_SESSION.test(error) ? 'resume-lost' : 'crashed'
  return { type: 'failed', reason, message: error.slice(0, MAX_MESSAGE) }
}

function reasonOf(result: ResultMessage, said: string, hints: FailureHints): FailureReason {
  if (result.stop_reason === 'refusal') return 'refused'
  if (LOST_SESSION.test(said)) return 'resume-lost'
  if (result.terminal_reason === 'prompt_too_long' || TOO_LONG.test(said)) return 'context-overflow'
  if (result.terminal_reason === 'blocking_limit') return 'context-overflow'
  if (USED_UP.test(said)) return 'quota'
  const byWord = hints.apiError === undefined ? undefined : BY_WORD[hints.apiError]
  return byWord ?? byStatus(result.api_error_status ?? hints.lastRetry?.error_status, said)
}

function byStatus(status: number | null | undefined, said: string): FailureReason {
  if (status === 401 || status === 403 || /not logged in|invalid api key/i.test(said)) return 'auth'
  if (status === 402) return 'quota'
  if (status === 413) return 'context-overflow'
  if (status === 429) return 'rate-limited'
  if (status === 408 || status === 504) return 'timeout'
  // Also a connection that breaks: the way to the model does not work at the moment.
  if ((status ?? 0) >= 500 || CUT_OFF.test(said)) return 'overloaded'
  return /timed? ?out/i.test(said) ? 'timeout' : 'other'
}
