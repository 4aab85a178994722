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
  const cell = (table: FeatureTable, row: FeatureRow, column: FeatureColumn) => {
    const now = cellOf(row, column, outcomes)
    return now === NOT_RUN ? (kept.get(cellKey(table, row, column)) ?? NOT_RUN) : now
  }
  const tables = FEATURE_TABLES.map((table) => markdown(table, (row, column) => cell(table, row, column)))
  return `${before}\n${tables.join('\n\n')}\n${after}`
}

/**
 * What the tables in this text say that is not so: cells that these outcomes show otherwise, and cells of projects that
 * `ran` as a whole without the test that they name. Empty when it is as the run showed.
 */
export function staleCells(text: string, outcomes: Outcomes, ran: ReadonlySet<string>): string[] {
  const cells = cellsOf(parted(text).shown)
  return FEATURE_TABLES.flatMap((table) =>
    table.rows.flatMap((row) =>
      table.columns.flatMap((column) => {
        const now = cellOf(row, column, outcomes)
        const said = cells.get(cellKey(table, row, column)) ?? 'nothing'
        if (said === now || (now === NOT_RUN && !ran.has(column.project))) return []
        return [`${row.feature} on ${column.name}: it says ${said}, this run says ${now}`]
      }),
    ),
  )
}

function cellOf({ test, instead }: FeatureRow, column: FeatureColumn, outcomes: Outcomes): string {
  const outcome = outcomes.get(outcomeKey(column.suite, test))
  if (outcome === 'failed') return 'FAILED'
  if (instead?.[column.name] !== undefined) return instead[column.name] ?? NOT_RUN
  return outcome === 'passed' ? 'yes' : NOT_RUN
}

function markdown(
  { head, columns, rows }: FeatureTable,
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

function cellKey({ head }: FeatureTable, { feature, test }: FeatureRow, { name }: FeatureColumn): string {
  return [head, feature, `\`${test}\``, name].join(' | ')
}

/** What each cell says, by its table, feature, test and column. */
function cellsOf(shown: string): ReadonlyMap<string, string> {
  const cells = new Map<string, string>()
  let heads: string[] = []
  for (const line of shown.split('\n')) {
    const row = line.slice(2, -2).split(' | ')
    if (line === '') heads = []
    else if (heads.length === 0) heads = row
    else
      for (const [at, cell] of row.slice(1, -1).entries())
        cells.set([heads[0], row[0], row.at(-1), heads[at + 1]].join(' | '), cell)
  }
  return cells
}

function parted(text: string): { before: string; shown: string; after: string } {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`there is no ${BEGIN} … ${END}`)
  const start = from + BEGIN.length
  return { before: text.slice(0, start), shown: text.slice(start, to).trim(), after: text.slice(to) }
}
