import { CreelError, errorText } from '../../src/domain/errors.ts'

/** What went wrong and what to do, as lines for a person. */
export function errorLines(error: unknown): readonly string[] {
  const hint = error instanceof CreelError && error.hint !== undefined ? [`  what to do: ${error.hint}`] : []
  return [`✗ ${errorText(error)}`, ...hint]
}
