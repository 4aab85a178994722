import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CHANNEL_ROWS, PROVIDER_ROWS } from './feature-rows.ts'
import { BEGIN, END, featureTables, outcomesOf, withTables } from './feature-table.ts'

const ROOT = join(import.meta.dirname, '..')
const contracts = (prefix: string) =>
  readdirSync(join(ROOT, 'test', 'contract'))
    .filter((name) => name.startsWith(prefix))
    .map((name) => readFileSync(join(ROOT, 'test', 'contract', name), 'utf8'))
    .join('\n')

describe('the table of features', () => {
  it.each([
    ['channel', CHANNEL_ROWS],
    ['provider', PROVIDER_ROWS],
  ])('names tests that there are in the contract of every %s', (prefix, rows) => {
    const sources = contracts(prefix)
    for (const { test } of rows) expect(sources, test).toContain(`it('${test}'`)
  })

  it('in docs has each row, and no test in it failed or did not run', () => {
    const text = readFileSync(join(ROOT, 'docs', 'features.md'), 'utf8')
    const shown = text.slice(text.indexOf(BEGIN), text.indexOf(END)).split('\n')
    for (const { feature, test } of [...CHANNEL_ROWS, ...PROVIDER_ROWS])
      expect(
        shown.filter((line) => line.startsWith(`| ${feature} |`) && line.endsWith(`| \`${test}\` |`)),
      ).toHaveLength(1)
    expect(shown.filter((line) => / (?:FAILED|not run) /.test(line))).toEqual([])
  })

  it('says yes to what passed, FAILED to what failed, and not run to the rest', () => {
    const test = 'ends a turn at /stop within a moment, and answers the next'
    const one = (name: string, status: string) => ({
      testResults: [
        { assertionResults: [{ ancestorTitles: [`provider ${name}`, 'more'], title: test, status }] },
      ],
    })
    const outcomes = outcomesOf([
      one('demo', 'passed'),
      one('claude', 'failed'),
      one('codex', 'failed'),
      one('codex', 'passed'),
      one('opencode', 'skipped'),
    ])
    expect(featureTables(outcomes)).toContain(`| \`/stop\` | yes | FAILED | yes | not run | \`${test}\` |`)
    expect(() => outcomesOf([{}])).toThrow()
  })

  it('takes the place of what stood between its marks', () => {
    expect(withTables(`a\n${BEGIN}\nold\n${END}\nz`, 'new')).toBe(`a\n${BEGIN}\nnew\n${END}\nz`)
    expect(() => withTables('a', 'new')).toThrow('there is no')
  })
})
