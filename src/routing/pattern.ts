import { RE2JS } from 're2js'
import { CreelError, errorText } from '../domain/errors.ts'

const MAX_PATTERN = 500

/**
 * Checks a pattern that a person typed. RE2 syntax: linear time whatever the text, unlike the engine of the
 * language (T11). Throws CreelError `invalid` with the reason.
 */
export function checkPattern(pattern: string): void {
  if (pattern.length > MAX_PATTERN) {
    throw new CreelError(
      'invalid',
      `pattern: expected at most ${MAX_PATTERN} characters, got ${pattern.length}`,
    )
  }
  try {
    RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)
  } catch (error) {
    throw new CreelError('invalid', `pattern: not a valid RE2 expression (${errorText(error)})`, {
      hint: 'see https://github.com/google/re2/wiki/Syntax; look-ahead and back-references do not exist there',
      cause: error,
    })
  }
}

/** Whether the pattern occurs in the text, without regard to case. A pattern gone bad matches nothing. */
export function matchesPattern(pattern: string, text: string): boolean {
  try {
    return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE).matcher(text).find()
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
