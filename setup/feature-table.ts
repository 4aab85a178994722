import * as z from 'zod'
import { CHANNEL_ROWS, CHANNELS, type FeatureRow, PROVIDER_ROWS, PROVIDERS } from './feature-rows.ts'

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

/** Tests that ran, by their suite and title: `provider demo` and what it promises. */
export type Outcomes = ReadonlyMap<string, string>

/** Adds up results of several runs; what ran again counts as it went last. Throws for what is no such result. */
export function outcomesOf(results: readonly unknown[]): Outcomes {
  const outcomes = new Map<string, string>()
  // Left out by a name filter is not run.
  for (const result of results)
    for (const { assertionResults } of Results.parse(result).testResults)
      for (const { ancestorTitles, title, status } of assertionResults)
        if (status === 'passed' || status === 'failed')
          outcomes.set(`${ancestorTitles[0]} > ${title}`, status)
  return outcomes
}

/** Both tables as markdown: what passed is a yes, with its test's name. */
export function featureTables(outcomes: Outcomes): string {
  const channels = table('Channel', CHANNEL_ROWS, CHANNELS, (name) => `channel contract: ${name}`, outcomes)
  const providers = table('Provider', PROVIDER_ROWS, PROVIDERS, (name) => `provider ${name}`, outcomes)
  return `${channels}\n\n${providers}`
}

function table(
  head: string,
  rows: readonly FeatureRow[],
  columns: readonly string[],
  suiteOf: (column: string) => string,
  outcomes: Outcomes,
): string {
  const cell = ({ test, instead }: FeatureRow, column: string) => {
    const outcome = outcomes.get(`${suiteOf(column)} > ${test}`)
    if (outcome === 'failed') return 'FAILED'
    if (instead?.[column] !== undefined) return instead[column]
    return outcome === 'passed' ? 'yes' : 'not run'
  }
  const lines = rows.map((row) => [
    row.feature,
    ...columns.map((column) => cell(row, column)),
    `\`${row.test}\``,
  ])
  const all = [[head, ...columns, 'test'], ['---', ...columns.map(() => '---'), '---'], ...lines]
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The text with this between the marks. Throws when they are not there. */
export function withTables(text: string, tables: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`there is no ${BEGIN} … ${END}`)
  return `${text.slice(0, from + BEGIN.length)}\n${tables}\n${text.slice(to)}`
}
