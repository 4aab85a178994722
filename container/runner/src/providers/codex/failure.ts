import type { FailureReason } from '@creel/protocol'
import * as z from 'zod'

/** What a turn or a notification says of an error. */
export const TurnError = z.object({
  message: z.string(),
  codexErrorInfo: z.unknown(),
  additionalDetails: z.string().nullish(),
})
export type TurnError = z.infer<typeof TurnError>

export interface Failure {
  readonly type: 'failed'
  readonly reason: FailureReason
  readonly message: string
  readonly retryAfterMs?: number
}

const MAX_MESSAGE = 1_000

const BY_NAME: Readonly<Record<string, FailureReason>> = {
  contextWindowExceeded: 'context-overflow',
  usageLimitExceeded: 'quota',
  sessionBudgetExceeded: 'quota',
  rateLimitExceeded: 'rate-limited',
  serverOverloaded: 'overloaded',
  internalServerError: 'overloaded',
  policyCapacityUnavailable: 'overloaded',
  flexUnavailable: 'overloaded',
  unauthorized: 'auth',
  cyberPolicy: 'refused',
  misalignmentPolicyViolation: 'refused',
}

/** The words of app-server for errors that it gives no name. */
const BY_TEXT: readonly (readonly [RegExp, FailureReason])[] = [
  [/reason: content_filter/, 'refused'],
  [/^Missing environment variable/, 'auth'],
  // The model could not be reached, or hung up: all of its own tries are used up by now.
  [/^stream disconnected before completion/, 'overloaded'],
]

const Status = z.record(z.string(), z.object({ httpStatusCode: z.number().nullish() }))

/** The end of a turn that failed, from what app-server says of it; never throws. */
export function failureOf(error: TurnError | null | undefined): Failure {
  const message = (error?.message ?? 'the turn failed without saying why').slice(0, MAX_MESSAGE)
  const retryAfterMs = retryAfter(`${message} ${error?.additionalDetails ?? ''}`)
  return {
    type: 'failed',
    reason: reasonOf(error?.codexErrorInfo, message),
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

/** A failure of ours or of the process, in the same shape. */
export function failed(reason: FailureReason, message: string): Failure {
  return { type: 'failed', reason, message: message.slice(0, MAX_MESSAGE) }
}

function reasonOf(info: unknown, message: string): FailureReason {
  if (typeof info === 'string' && Object.hasOwn(BY_NAME, info)) return BY_NAME[info] ?? 'other'
  const status = Status.safeParse(info)
  const code = status.success ? Object.values(status.data)[0]?.httpStatusCode : undefined
  const byStatus = typeof code === 'number' ? reasonOfStatus(code) : undefined
  return byStatus ?? BY_TEXT.find(([words]) => words.test(message))?.[1] ?? 'other'
}

function reasonOfStatus(status: number): FailureReason | undefined {
  if (status === 401 || status === 403) return 'auth'
  if (status === 402) return 'quota'
  if (status === 429) return 'rate-limited'
  return status >= 500 ? 'overloaded' : undefined
}

/** app-server passes no Retry-After on; the API's own sentence is all there is. */
function retryAfter(text: string): number | undefined {
  const match = /try again in (\d{1,6}(?:\.\d{1,6})?)\s?(ms|s|m)\b/i.exec(text)
  if (!match) return undefined
  const unit = { ms: 1, s: 1_000, m: 60_000 }[match[2]?.toLowerCase() ?? ''] ?? 1_000
  return Math.ceil(Number(match[1]) * unit)
}
