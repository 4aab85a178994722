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

/** Prints a result for a script (`--json`: one line) or for a person. Names in it may be hostile. */
export function print(output: Output, json: boolean | undefined, result: unknown, text: () => string): void {
  output.out(json ? JSON.stringify(result) : terminalText(text()))
}

/** Columns as wide as their widest cell; `-` for nothing. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const cells = [
    head,
    ...rows.map((row) => row.map((cell) => (cell === null || cell === '' ? '-' : String(cell)))),
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
