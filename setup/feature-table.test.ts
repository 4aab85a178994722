import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TOOL_WALK, titleOf } from '../test/contract/tool-walk.ts'
import { FEATURE_TABLES } from './feature-rows.ts'
import {
  BEGIN,
  END,
  isShown,
  NOT_RUN,
  outcomesOf,
  shownTests,
  staleCells,
  withTables,
} from './feature-table.ts'

const ROOT = join(import.meta.dirname, '..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const STOP = 'ends a turn at /stop within a moment, and answers the next'
const contracts = readdirSync(join(ROOT, 'test', 'contract'))
  .map((name) => readFileSync(join(ROOT, 'test', 'contract', name), 'utf8'))
  .join('\n')

const run = (name: string, status: string, title = STOP) => ({
  testResults: [{ assertionResults: [{ ancestorTitles: [`provider ${name}`, 'more'], title, status }] }],
})

describe('the tables of features', () => {
  it('name tests that there are in the contracts', () => {
    for (const { rows } of FEATURE_TABLES)
      for (const { test } of rows === 'as run' ? [] : rows) expect(contracts, test).toContain(`it('${test}'`)
  })

  it('in README have each row as it is made now, and no test in them failed or did not run', () => {
    expect(README === withTables(README, new Map()), 'run: npm run features').toBe(true)
    const shown = README.slice(README.indexOf(BEGIN), README.indexOf(END)).split('\n')
    expect(shown.filter((line) => / (?:FAILED|not run) /.test(line))).toEqual([])
  })

  it('in README have each tool that agents have', () => {
    const hint = 'run: ./creel test unit web, then: npm run features'
    expect(shownTests(README, 'Tool'), hint).toEqual(TOOL_WALK.map(titleOf))
  })

  it('say yes to what passed, FAILED to what failed, and keep what did not run', () => {
    const outcomes = outcomesOf([
      run('demo', 'passed'),
      run('claude', 'failed'),
      run('codex', 'failed'),
      run('codex', 'passed'),
      run('opencode', 'skipped'),
    ])
    const first = withTables(`a\n${BEGIN}\nold\n${END}\nz`, outcomes)
    expect(first).toContain(`| \`/stop\` | yes | FAILED | yes | ${NOT_RUN} | \`${STOP}\` |`)
    expect(first.startsWith(`a\n${BEGIN}\n| Channel |`)).toBe(true)
    expect(first.endsWith(`|\n${END}\nz`)).toBe(true)
    const later = withTables(first, outcomesOf([run('claude', 'passed'), run('opencode', 'passed')]))
    expect(later).toContain(`| \`/stop\` | yes | yes | yes | yes | \`${STOP}\` |`)
    expect(() => outcomesOf([{}])).toThrow()
    expect(() => withTables('a', outcomes)).toThrow('there is no')
    expect(isShown('provider demo')).toBe(true)
    expect(isShown('provider')).toBe(false)
  })

  it('are stale where a run shows another thing, or ran without a test that they name', () => {
    const none = new Set<string>()
    expect(staleCells(README, outcomesOf([run('codex', 'passed')]), none)).toEqual([])
    expect(staleCells(README, outcomesOf([run('codex', 'failed')]), none)).toEqual([
      '`/stop` on codex: it says yes, this run says FAILED',
    ])
    expect(staleCells(README, new Map(), new Set(['telegram'])).length).toBeGreaterThan(5)
    const cut = README.split('\n').filter((line) => !line.startsWith('| `/stop` |'))
    expect(staleCells(cut.join('\n'), outcomesOf([run('demo', 'passed')]), none)).toEqual([
      '`/stop` on demo: it says nothing, this run says yes',
    ])
  })
})
