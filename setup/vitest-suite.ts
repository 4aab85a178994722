import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'
import { startVitest } from 'vitest/node'
import { isShown, outcomeKey } from './feature-table.ts'
import type { SuiteResult } from './test-tally.ts'

/**
 * Runs one project of vitest.config.ts and leaves a SuiteResult in a file. A program of its own, so that a suite that
 * hangs or brings the process down costs that suite alone: `node vitest-suite.ts PROJECT RESULT [filter …] [-t NAME]`.
 */
class TallyReporter implements Reporter {
  readonly tally: SuiteResult = { passed: 0, failed: [], skipped: [], outcomes: {} }
  readonly #filtered: boolean
  readonly #save: (tally: SuiteResult) => void
  readonly #running = new Set<string>()
  /** What a test file printed last about skipping; suites that can skip run one file at a time. */
  #reason = ''

  constructor(options: { filtered: boolean; save: (tally: SuiteResult) => void }) {
    this.#filtered = options.filtered
    this.#save = options.save
  }

  onUserConsoleLog(log: { content: string }): void {
    this.#reason = /^.*\bskipped\b.*$/m.exec(log.content)?.[0].slice(0, 300) ?? this.#reason
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.add(module.relativeModuleId)
    this.#saveSoFar()
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId)
    this.#saveSoFar()
  }

  /** Should a file hang for ever, the result names it and holds all that came before. */
  #saveSoFar(): void {
    const unfinished = [...this.#running].map((name) => ({ name, why: 'did not end' }))
    this.#save({ ...this.tally, failed: [...this.tally.failed, ...unfinished] })
  }

  onTestCaseResult(test: TestCase): void {
    const result = test.result()
    const name = `${test.module.relativeModuleId} > ${test.fullName}`
    const suite = outermostSuite(test)
    if (isShown(suite) && (result.state === 'passed' || result.state === 'failed'))
      this.tally.outcomes[outcomeKey(suite, test.name)] = result.state
    if (result.state === 'passed') this.tally.passed++
    else if (result.state === 'failed') this.tally.failed.push({ name, why: firstLine(result.errors) })
    else if (result.state === 'skipped' && (result.note || this.#reason))
      this.tally.skipped.push({ name, why: result.note || this.#reason })
    // A name filter leaves most tests out: they were not asked for. Otherwise nobody knows why it did not run.
    else if (!this.#filtered) this.tally.failed.push({ name, why: 'did not run, and gave no reason' })
  }

  /** Errors outside of tests: a file that cannot be loaded, a hook, a rejection that nobody awaited. */
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    for (const module of modules) {
      const errors = [
        ...module.errors(),
        ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
      ]
      if (errors.length > 0) this.tally.failed.push({ name: module.relativeModuleId, why: firstLine(errors) })
    }
    for (const error of unhandled)
      this.tally.failed.push({ name: 'error outside of any test', why: firstLine([error]) })
  }
}

function outermostSuite(test: TestCase): string {
  let suite = ''
  for (let at = test.parent; at.type !== 'module'; at = at.parent) suite = at.name
  return suite
}

function firstLine(errors: readonly { message?: string }[]): string {
  return (errors[0]?.message ?? 'failed').split('\n').slice(0, 3).join(' ').slice(0, 500)
}

const [project = '', resultFile = '', ...rest] = process.argv.slice(2)
const nameAt = rest.indexOf('-t')
const pattern = nameAt < 0 ? undefined : rest[nameAt + 1]
const filters = nameAt < 0 ? rest : rest.toSpliced(nameAt, 2)
const tallies = new TallyReporter({
  filtered: pattern !== undefined,
  save: (tally) => writeFileSync(resultFile, JSON.stringify(tally)),
})
const vitest = await startVitest('test', filters, {
  project: [project],
  run: true,
  watch: false,
  passWithNoTests: true,
  reporters: ['default', tallies],
  ...(pattern === undefined ? {} : { testNamePattern: pattern }),
})
writeFileSync(resultFile, JSON.stringify(tallies.tally))
await vitest.exit()
