import * as z from 'zod'
import { FEATURE_TABLES, type FeatureColumn, type FeatureRow, type FeatureTable } from './feature-rows.ts'

/** What vitest's JSON reporter writes, as far as it counts here. */
const Results = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({ ancestorTitles: z.array(z.string()), title: z.string(), status: z.string() }),
      ),
    }),
  ),
})

export const BEGIN = '<!-- features: begin -->'
export const END = '<!-- features: end -->'
export const NOT_RUN = 'not run'

/** How tests ended that ran, by their outermost suite and their title. */
export type Outcomes = ReadonlyMap<string, 'passed' | 'failed'>

/** Adds up results of several runs; what ran again counts as it went last. Throws for what is no such result. */
export function outcomesOf(results: readonly unknown[]): Outcomes {
  const outcomes = new Map<string, 'passed' | 'failed'>()
  // Left out by a name filter is not run.
  for (const result of results)
    for (const { assertionResults } of Results.parse(result).testResults)
      for (const { ancestorTitles, title, status } of assertionResults)
        if (status === 'passed' || status === 'failed')
          outcomes.set(outcomeKey(ancestorTitles[0] ?? '', title), status)
  return outcomes
}

export function outcomeKey(suite: string, title: string): string {
  return `${suite} > ${title}`
}

/** Whether a table is made from tests of this suite. */
export function isShown(suite: string): boolean {
  return FEATURE_TABLES.some(({ columns }) => columns.some((column) => column.suite === suite))
}

/** The text with tables as these outcomes have them; what did not run keeps what it said. Throws without the marks. */
export function withTables(text: string, outcomes: Outcomes): string {
  const { before, shown, after } = parted(text)
  const kept = cellsOf(shown)
  const tables = FEATURE_TABLES.map((table) =>
    markdown(table, rowsOf(table, outcomes, kept), (row, column) => {
      const now = cellOf(row, column, outcomes)
      return now === NOT_RUN ? (saysOf(kept, table, row, column) ?? NOT_RUN) : now
    }),
  )
  return `${before}\n${tables.join('\n\n')}\n${after}`
}

/**
 * What the tables in this text say that is not so: cells that these outcomes show otherwise, and cells of projects that
 * `ran` as a whole without the test that they name. Empty when it is as the run showed.
 */
export function staleCells(text: string, outcomes: Outcomes, ran: ReadonlySet<string>): string[] {
  const cells = cellsOf(parted(text).shown)
  return FEATURE_TABLES.flatMap((table) =>
    rowsOf(table, outcomes, cells).flatMap((row) =>
      table.columns.flatMap((column) => {
        const now = cellOf(row, column, outcomes)
        const said = saysOf(cells, table, row, column) ?? 'nothing'
        if (said === now || (now === NOT_RUN && !ran.has(column.project))) return []
        return [`${row.feature} on ${column.name}: it says ${said}, this run says ${now}`]
      }),
    ),
  )
}

/** The titles that a table of this head has in the text. */
export function shownTests(text: string, head: string): string[] {
  const cells = cellsOf(parted(text).shown).filter((cell) => cell.head === head)
  return [...new Set(cells.map(({ test }) => test))]
}

/** The rows of a table; of one that is as run: what ran of its first column, or else what it has. */
function rowsOf(
  { rows, head, columns }: FeatureTable,
  outcomes: Outcomes,
  shown: readonly Cell[],
): readonly FeatureRow[] {
  if (rows !== 'as run') return rows
  const suite = outcomeKey(columns[0]?.suite ?? '', '')
  const ran = [...outcomes.keys()]
    .filter((key) => key.startsWith(suite))
    .map((key) => key.slice(suite.length))
  const had = shown.filter((cell) => cell.head === head).map(({ test }) => test)
  const tests = new Set(ran.length > 0 ? ran : had)
  return [...tests].map((test) => ({ feature: `\`${test.split(' ', 1)[0]}\``, test }))
}

function cellOf({ test, instead }: FeatureRow, column: FeatureColumn, outcomes: Outcomes): string {
  const outcome = outcomes.get(outcomeKey(column.suite, test))
  if (outcome === 'failed') return 'FAILED'
  if (instead?.[column.name] !== undefined) return instead[column.name] ?? NOT_RUN
  return outcome === 'passed' ? 'yes' : NOT_RUN
}

function markdown(
  { head, columns }: FeatureTable,
  rows: readonly FeatureRow[],
  cell: (row: FeatureRow, column: FeatureColumn) => string,
): string {
  const names = columns.map(({ name }) => name)
  const lines = rows.map((row) => [
    row.feature,
    ...columns.map((column) => cell(row, column)),
    `\`${row.test}\``,
  ])
  const all = [[head, ...names, 'test'], ['---', ...names.map(() => '---'), '---'], ...lines]
  return all.map((one) => `| ${one.join(' | ')} |`).join('\n')
}

/** A cell as it stands in the text, with where it stands. */
interface Cell {
  readonly head: string
  readonly feature: string
  readonly test: string
  readonly column: string
  readonly says: string
}

function cellsOf(shown: string): readonly Cell[] {
  return shown.split('\n\n').flatMap((table) => {
    const [[head = '', ...columns] = [], , ...rows] = table
      .split('\n')
      .map((line) => line.slice(2, -2).split(' | '))
    return rows.flatMap(([feature = '', ...cells]) => {
      const test = cells.at(-1)?.slice(1, -1) ?? ''
      return cells.slice(0, -1).map((says, at) => ({ head, feature, test, column: columns[at] ?? '', says }))
    })
  })
}

function saysOf(
  cells: readonly Cell[],
  { head }: FeatureTable,
  { feature, test }: FeatureRow,
  { name }: FeatureColumn,
): string | undefined {
  const isIt = (cell: Cell) =>
    cell.head === head && cell.feature === feature && cell.test === test && cell.column === name
  return cells.find(isIt)?.says
}

function parted(text: string): { before: string; shown: string; after: string } {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`there is no ${BEGIN} … ${END}`)
  const start = from + BEGIN.length
  return { before: text.slice(0, start), shown: text.slice(start, to).trim(), after: text.slice(to) }
}
