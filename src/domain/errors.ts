export type ErrorCode =
  | 'invalid'
  | 'not_found'
  | 'conflict'
  | 'unauthorized'
  | 'unavailable'
  | 'timeout'
  | 'internal'

/** The one base class. `message` is for a person and never holds a secret or a full URL; `hint` is what to do. */
export class CreelError extends Error {
  override name = 'CreelError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}

/** A wrong setting: says file, key, what was expected and what was found. */
export class ConfigError extends CreelError {
  override name = 'ConfigError'
  readonly file: string

  constructor(file: string, problems: readonly string[], hint?: string) {
    super('invalid', `${file}: ${problems.join('; ')}`, hint === undefined ? {} : { hint })
    this.file = file
  }
}

/** The platform refused this message for good: sending it again cannot help. */
export class ChannelRefusedError extends CreelError {
  override name = 'ChannelRefusedError'
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super('invalid', message, options)
  }
}

/**
 * The platform could not be reached. `ambiguous` says that the request may have been carried out: the
 * connection broke after it was sent.
 */
export class ChannelUnreachableError extends CreelError {
  override name = 'ChannelUnreachableError'
  readonly ambiguous: boolean
  constructor(message: string, options: { ambiguous: boolean; cause?: unknown }) {
    super('unavailable', message, options)
    this.ambiguous = options.ambiguous
  }
}

/** The platform asks to wait this long; nothing was sent and no attempt is spent. */
export class RetryAfterError extends CreelError {
  override name = 'RetryAfterError'
  readonly delayMs: number
  constructor(delayMs: number, options: { cause?: unknown } = {}) {
    super('unavailable', `asked to wait ${delayMs} ms`, options)
    this.delayMs = delayMs
  }
}

/** The container engine does not answer, or is too old. */
export class EngineUnavailableError extends CreelError {
  override name = 'EngineUnavailableError'
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super('unavailable', message, options)
  }
}

/** The text of anything thrown, for a log line or a person. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
