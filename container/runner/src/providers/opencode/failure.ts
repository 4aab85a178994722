import type { FailureReason, TurnEvent } from '@creel/protocol'
import type { WireError } from './wire.ts'

type Failed = Extract<TurnEvent, { type: 'failed' }>

const MAX_MESSAGE = 1_000
const QUOTA = /insufficient_quota|quota|credit balance|billing|usage limit|payment/i
const TOO_LONG = /prompt is too long|context[ _]length|maximum context|too many tokens in the prompt/i

/** The `failed` event of an error that the server reported. The body is looked at, but never passed on. */
export function failureOf(error: WireError, now: number): Failed {
  const status = error.status === undefined ? '' : ` (${error.status})`
  const waitMs = retryAfterMs(error.retryAfter, now)
  return {
    type: 'failed',
    reason: reasonOf(error),
    message: `${error.name || 'error'}${status}: ${error.message}`.slice(0, MAX_MESSAGE),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  }
}

/** The reason behind the words of a retry, of which the server tells no status. */
export function reasonOfWords(message: string): FailureReason {
  if (QUOTA.test(message)) return 'quota'
  return /rate.?limit|too many requests/i.test(message) ? 'rate-limited' : 'overloaded'
}

/** `Retry-After` of RFC 9110, seconds or a date, as milliseconds from now; undefined when it says neither. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const seconds = Number(header)
  if (header.trim() !== '' && Number.isFinite(seconds)) return Math.max(0, Math.round(seconds * 1000))
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

function reasonOf(error: WireError): FailureReason {
  switch (error.name) {
    case 'ProviderAuthError':
      return 'auth'
    case 'ContextOverflowError':
      return 'context-overflow'
    case 'ContentFilterError':
      return 'refused'
    case 'APIError':
      return reasonOfStatus(error)
    default:
      return 'other'
  }
}

function reasonOfStatus(error: WireError): FailureReason {
  const { status } = error
  const said = `${error.message}\n${error.body}`
  if (status === 401 || status === 403) return 'auth'
  if (status === 402) return 'quota'
  if (status === 429) return QUOTA.test(said) ? 'quota' : 'rate-limited'
  if (status === 413 || TOO_LONG.test(said)) return 'context-overflow'
  if (status === 400 && QUOTA.test(said)) return 'quota'
  // No status: the connection to the model broke, more often than the server was willing to try.
  if (status === undefined) return error.retryable ? 'overloaded' : 'other'
  return status >= 500 ? 'overloaded' : 'other'
}
