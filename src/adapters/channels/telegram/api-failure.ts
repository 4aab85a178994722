import { GrammyError, HttpError } from 'grammy'

/** What went wrong with one call, without anything secret in it: grammY's own errors may hold the token. */
export type ApiFailure =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string; readonly newChat?: number }
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** No usable answer. `sent` says whether Telegram may have carried the request out. */
  | { readonly kind: 'network'; readonly text: string; readonly sent: boolean }

const MAX_WAIT_S = 86_400
/** A proxy may say which address was asked for, and the token stands in it. */
const LIKE_A_TOKEN = /\d{5,}(?::|%3A)[\w-]{20,}/gi
/** The connection did not come about, so nothing was sent. */
const NOT_SENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|CERT_.*|UNABLE_TO_.*|SELF_SIGNED_.*|DEPTH_ZERO_.*|ERR_TLS_.*)$/

/** Reads anything that a call of grammY's Api threw. */
export function apiFailure(error: unknown): ApiFailure {
  if (error instanceof GrammyError) {
    if (typeof error.error_code !== 'number' || typeof error.description !== 'string') {
      return { kind: 'network', text: 'the answer is not from a Bot API server', sent: true }
    }
    if (error.error_code === 429) {
      return { kind: 'wait', delayMs: waitSeconds(error.parameters.retry_after) * 1000 }
    }
    const newChat = error.parameters.migrate_to_chat_id
    return {
      kind: 'answered',
      status: error.error_code,
      text: error.description.replace(LIKE_A_TOKEN, '***').slice(0, 300),
      ...(newChat === undefined ? {} : { newChat }),
    }
  }
  const cause: unknown = error instanceof HttpError ? error.error : error
  const code = codeOf(cause)
  // Codes only: the message of a fetch error holds the whole address, and with it the token.
  return {
    kind: 'network',
    text: code ?? 'no usable answer',
    sent: code === undefined || !NOT_SENT.test(code),
  }
}

/** Statuses that mean: this token opens nothing. 404 is the answer to a token that is not even well-formed. */
export function isTokenRefused(failure: ApiFailure): boolean {
  return failure.kind === 'answered' && (failure.status === 401 || failure.status === 404)
}

/** For a log line. */
export function failureText(failure: ApiFailure): string {
  if (failure.kind === 'answered') return `${failure.status} ${failure.text}`
  return failure.kind === 'wait' ? `asked to wait ${failure.delayMs} ms` : failure.text
}

function waitSeconds(asked: number | undefined): number {
  return Number.isFinite(asked) ? Math.min(Math.max(asked ?? 1, 1), MAX_WAIT_S) : 1
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code.slice(0, 50)
  if ('type' in error && typeof error.type === 'string') return error.type.slice(0, 50)
  return undefined
}
