import { cleanName } from '../markdown/clean-text.ts'

/** Somebody else's words inside the host's: one line of code, cut, in which no markup means anything. */
export function quoted(words: string, limit: number): string {
  const line = cleanName(words.replaceAll('`', "'"), limit)
  const cut = words.length > line.length + 1 && Array.from(line).length >= limit ? ' …' : ''
  return line === '' ? '(nothing)' : `\`${line}${cut}\``
}
