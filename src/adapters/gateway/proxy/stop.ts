export interface StopDetails {
  /** More for the log, which the agent is not to know. */
  readonly detail?: string
  /** The owner could allow it. */
  readonly canAsk?: boolean
}

/** A connection or request goes no further. `message` is why, for the agent and the log: never a secret. */
export class Stop extends Error {
  override name = 'Stop'
  readonly outcome: 'denied' | 'failed'
  /** Status of the answer. */
  readonly status: number
  readonly canAsk: boolean
  readonly detail: string | null

  constructor(outcome: 'denied' | 'failed', status: number, message: string, details: StopDetails = {}) {
    super(message)
    this.outcome = outcome
    this.status = status
    this.canAsk = details.canAsk ?? false
    this.detail = details.detail ?? null
  }
}

/** What an error is to the client. One that nobody foresaw says nothing of itself. */
export function asStop(error: unknown): Stop {
  if (error instanceof Stop) return error
  const detail = error instanceof Error ? error.message.slice(0, 200) : 'unexpected error'
  return new Stop('failed', 503, 'what this agent may do cannot be decided now', { detail })
}

/** What went wrong on a connection, without addresses and names. */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected error'
  return ('code' in error && typeof error.code === 'string' ? error.code : error.message).slice(0, 100)
}
