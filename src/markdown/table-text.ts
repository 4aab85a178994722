/** Wider cells are not padded, so that one long cell cannot blow up every row. */
const MAX_PADDED = 30

/** A table as lines of plain text with aligned columns, for a fixed-width block. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, column) => {
      const width = Math.min(Array.from(cell).length, MAX_PADDED)
      widths[column] = Math.max(widths[column] ?? 1, width)
    })
  }
  const lines = rows.map((row) => row.map((cell, column) => padded(cell, widths[column] ?? 1)).join(' | '))
  const rule = widths.map((width) => '-'.repeat(width)).join('-+-')
  const [head, ...body] = lines.map((line) => line.trimEnd())
  return [head ?? '', rule, ...body].join('\n')
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - Array.from(cell).length))
}
