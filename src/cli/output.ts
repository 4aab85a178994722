import { terminalText } from '../adapters/channels/terminal/terminal-text.ts'
import { CreelError, errorText } from '../domain/errors.ts'

/** What the command line writes to; tests put their own in. */
export interface Output {
  out(line: string): void
  err(line: string): void
}

export const standardOutput: Output = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
}

/** What JSON leaves as it is though a terminal obeys it: DEL, the C1 controls and changes of direction. */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Prints a result for a script (`--json`: one line) or for a person. Names in it may be hostile. */
export function print(output: Output, json: boolean | undefined, result: unknown, text: () => string): void {
  output.out(json ? safeJson(result) : terminalText(text()))
}

/** One line of JSON that says the same when parsed and does nothing when it is shown. */
export function safeJson(result: unknown): string {
  return JSON.stringify(result).replace(
    OBEYED,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A text that somebody else chose, on one line: with a line break in it a name could fake a row or a heading. */
export function oneLine(text: string): string {
  return terminalText(text).replace(/\s+/g, ' ').trim()
}

/** Columns as wide as their widest cell; `-` for nothing. Each row is one line, whatever stands in it. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const cells = [
    head,
    ...rows.map((row) => row.map((cell) => (cell === null ? '' : oneLine(String(cell))) || '-')),
  ]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** An error for a person: what is wrong, and what to do. Never a stack: that is in the log. */
export function explain(error: unknown): string {
  const hint = error instanceof CreelError && error.hint !== undefined ? `\n  what to do: ${error.hint}` : ''
  return terminalText(`creel: ${errorText(error)}${hint}`)
}
