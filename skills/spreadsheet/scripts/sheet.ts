// Looks into tables and converts them.
//   node sheet.ts describe FILE [--sheet NAME]
//   node sheet.ts head FILE [--sheet NAME] [--rows N]
//   node sheet.ts convert IN OUT [--sheet NAME]
//   node sheet.ts sum FILE --by COLUMN --of COLUMN [--sheet NAME]
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parse } from 'csv-parse/sync'
import readWorkbook from 'read-excel-file/node'
import writeWorkbook from 'write-excel-file/node'

type Value = string | number | boolean | Date | null
interface Read {
  readonly head: readonly string[]
  readonly rows: readonly (readonly Value[])[]
  readonly sheets: readonly string[]
}

const MAX_BYTES = 32 * 1024 * 1024
const MAX_SHOWN = 40

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ sheet: { type: 'string' }, rows: { type: 'string', default: '10' } },
    ...{ by: { type: 'string' }, of: { type: 'string' } },
  },
})
const [verb, file, target] = positionals
if (file === undefined)
  fail('usage: sheet.ts describe FILE | head FILE | convert IN OUT | sum FILE --by COLUMN --of COLUMN')
const read = await readTable(file)
if (verb === 'describe') describe(read)
else if (verb === 'head') head(read)
else if (verb === 'convert') await convert(read, target)
else if (verb === 'sum') sum(read)
else fail(`expected describe, head, convert or sum, got ${verb}`)

async function readTable(path: string): Promise<Read> {
  if (statSync(path).size > MAX_BYTES) fail(`${path}: expected at most ${MAX_BYTES} bytes`)
  const { cells, sheets } = /\.xls[xm]$/i.test(path) ? await readBook(path) : readCsv(path)
  const rows = cells.filter((row) => row.some((value) => value !== null))
  const width = Math.max(0, ...rows.map((row) => row.length))
  const [first, ...rest] = rows.map((row) => Array.from({ length: width }, (_, at) => row[at] ?? null))
  if (!first) return fail(`${path}: no rows`)
  return { head: first.map((value, at) => cellText(value) || letter(at)), rows: rest, sheets }
}

async function readBook(path: string): Promise<{ cells: Value[][]; sheets: string[] }> {
  const book = await readWorkbook(path)
  const sheets = book.map(({ sheet }) => sheet)
  const found = values.sheet === undefined ? book[0] : book.find(({ sheet }) => sheet === values.sheet)
  if (!found) return fail(`--sheet: expected one of ${sheets.join(', ')}, got ${values.sheet}`)
  return { cells: found.data as Value[][], sheets }
}

/** Encoding and separator are found out. */
function readCsv(path: string): { cells: Value[][]; sheets: string[] } {
  const data = readFileSync(path)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch {
    text = new TextDecoder('windows-1252').decode(data)
  }
  const first = text.slice(0, text.indexOf('\n') + 1 || undefined)
  const count = (mark: string) => first.split(mark).length
  const delimiter = [',', ';', '\t', '|'].reduce((best, mark) => (count(mark) > count(best) ? mark : best))
  const cells = parse(text, {
    delimiter,
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
  }) as string[][]
  return { cells: cells.map((row) => row.map((cell) => (cell === '' ? null : cell))), sheets: [] }
}

function describe({ head: names, rows, sheets }: Read): void {
  if (sheets.length > 0) console.log(`sheets: ${sheets.join(', ')}`)
  console.log(`${rows.length} rows below the head, ${names.length} columns`)
  for (const [at, name] of names.entries()) {
    const cells = rows.map((row) => row[at] ?? null)
    const kinds = Object.entries(Object.groupBy(cells, kindOf))
      .map(([kind, found = []]) => ({ kind, count: found.length }))
      .sort((a, b) => b.count - a.count)
    const numbers = cells.map(numberOf).filter((found) => found !== null)
    const low = numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    const high = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const span = numbers.length === 0 ? '' : `; ${low} to ${high}, sum ${total(numbers)}`
    const sample = cells.find((value) => value !== null)
    const such = sample === undefined ? '' : `; such as ${shown(sample)}`
    console.log(
      `${letter(at)} ${shown(name)}: ${kinds.map(({ kind, count }) => `${count} ${kind}`).join(', ')}${span}${such}`,
    )
  }
}

function head({ head: names, rows }: Read): void {
  const count = Number(values.rows)
  if (!Number.isInteger(count) || count < 1) fail(`--rows: expected a number, got ${values.rows}`)
  for (const row of [names, ...rows.slice(0, count)]) console.log(row.map(shown).join(' | '))
}

async function convert({ head: names, rows }: Read, path: string | undefined): Promise<void> {
  if (path === undefined) return fail('convert: expected IN and OUT')
  if (existsSync(path)) fail(`${path} exists already: name another file`)
  if (/\.csv$/i.test(path)) {
    const lines = [names, ...rows].map((row) =>
      row.map((value) => quoted(harmless(cellText(value)))).join(','),
    )
    writeFileSync(path, `${lines.join('\r\n')}\r\n`)
  } else if (/\.xlsx$/i.test(path)) {
    const width = (at: number) => Math.max(...[names, ...rows].map((row) => shown(row[at] ?? null).length))
    const columns = names.map((_, at) => ({ width: Math.min(Math.max(width(at) + 2, 8), MAX_SHOWN + 2) }))
    const bold = names.map((value) => ({ value, type: String, fontWeight: 'bold' as const }))
    await writeWorkbook([bold, ...rows.map((row) => row.map(cellOf))], {
      columns,
      stickyRowsCount: 1,
    }).toFile(path)
  } else fail(`expected a name that ends in .csv or .xlsx, got ${path}`)
  console.log(`${path}: ${rows.length} rows, ${names.length} columns`)
}

function sum({ head: names, rows }: Read): void {
  const column = (what: string, name: string | undefined) => {
    const at = names.indexOf(name ?? '')
    return at === -1 ? fail(`${what}: expected one of the columns ${names.join(', ')}, got ${name}`) : at
  }
  const [by, of] = [column('--by', values.by), column('--of', values.of)]
  const sums = new Map<string, number[]>()
  for (const row of rows) {
    const found = numberOf(row[of] ?? null)
    if (found === null) continue
    const name = shown(row[by] ?? null) || '(empty)'
    sums.set(name, [...(sums.get(name) ?? []), found])
  }
  const all = [...sums.values()].flat()
  for (const [name, found] of [...sums].sort(([, a], [, b]) => total(b) - total(a)))
    console.log(`${name}: ${total(found)}`)
  const left = rows.length - all.length
  console.log(`in all: ${total(all)} from ${all.length} rows; ${left} left out without a number`)
}

/** Without the crumbs of binary fractions: money is counted here. */
function total(numbers: readonly number[]): number {
  return Number(numbers.reduce((a, b) => a + b, 0).toFixed(6))
}

/**
 * What a cell counts: 1,234.50 and 1.234,50 are the same. A lone comma with three digits behind it parts thousands, any
 * other is a decimal sign.
 */
function numberOf(value: Value): number | null {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return null
  let text = value.replace(/[\s'’]/g, '')
  const [comma, point] = [text.lastIndexOf(','), text.lastIndexOf('.')]
  if (comma > -1 && point > -1)
    text = comma > point ? text.replaceAll('.', '').replace(',', '.') : text.replaceAll(',', '')
  else if (comma > -1) text = text.length - comma === 4 ? text.replaceAll(',', '') : text.replace(',', '.')
  return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : null
}

function kindOf(value: Value): string {
  if (value === null) return 'empty'
  if (value instanceof Date) return 'date'
  return numberOf(value) === null ? 'text' : 'number'
}

/** A number that a CSV holds as text becomes one where nothing is lost: not 007, not a telephone number. */
function cellOf(value: Value) {
  if (value === null) return null
  if (value instanceof Date) return { value, type: Date, format: 'yyyy-mm-dd' }
  if (typeof value === 'string' && !/^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,10})?$/.test(value))
    return { value, type: String }
  return typeof value === 'boolean' ? { value, type: Boolean } : { value: Number(value), type: Number }
}

/** What a spreadsheet program would run when it opens a CSV stays a text. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) && numberOf(text) === null ? `'${text}` : text
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function cellText(value: Value): string {
  if (value === null) return ''
  return value instanceof Date ? value.toISOString().replace(/T00:00:00\.000Z$/, '') : String(value)
}

function shown(value: Value): string {
  const text = cellText(value).replace(/\p{C}+/gu, ' ')
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1)}…`
}

function letter(at: number): string {
  return (at >= 26 ? letter(Math.floor(at / 26) - 1) : '') + String.fromCharCode(65 + (at % 26))
}

function fail(problem: string): never {
  console.error(`sheet: ${problem}`)
  process.exit(1)
}
