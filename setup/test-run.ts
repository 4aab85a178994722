import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { engineSocket } from '../src/adapters/docker/engine-socket.ts'
import { CreelError, errorText } from '../src/domain/errors.ts'
import { runCommand } from './command.ts'
import { terminalConsent } from './consent.ts'
import { staleCells } from './feature-table.ts'
import { inLanes } from './lanes.ts'
import { checkLeaks, testSandboxes } from './leak-guard.ts'
import { thisMachine } from './machine.ts'
import { staticChecks } from './static-checks.ts'
import { Steps } from './step.ts'
import { type Parts, prepareParts } from './test-parts.ts'
import { readArguments, type Suite, type TestArguments, USAGE } from './test-suites.ts'
import {
  addTallies,
  closingLine,
  exitCode,
  NOTHING,
  oneTest,
  readSuiteResult,
  suiteResultFile,
  type Tally,
} from './test-tally.ts'

/** `./creel test`: makes ready what the suites need, runs them, and counts. */
const projectDir = resolve(import.meta.dirname, '..')
const stateDir = join(projectDir, '.creel')
/** More would make a turn in a sandbox slower than its test waits for. */
const MAX_LANES = 2
/** For working off and judging what a long chaos run left. */
const PROOF_END_MINUTES = 15

async function main(words: readonly string[]): Promise<number> {
  const request = readArguments(words)
  if (typeof request === 'string') {
    process.stderr.write(`creel test: ${request}\n${USAGE}\n`)
    return 2
  }
  if (request.help || request.list) {
    process.stdout.write(request.help ? `${USAGE}\n` : listing(request.suites))
    return 0
  }
  // With --json, stdout is for the one object alone.
  const out = request.json ? process.stderr : process.stdout
  const say = (text: string) => out.write(`${text}\n`)
  const start = performance.now()
  const tally = await runAll(request, new Steps({ out }), say)
  for (const { name, why } of tally.skipped) say(`skipped: ${name}: ${why}`)
  for (const { name, why } of tally.failed) say(`FAILED: ${name}: ${why}`)
  say(`in ${Math.round((performance.now() - start) / 1000)} s`)
  process.stdout.write(`${request.json ? JSON.stringify(tally) : closingLine(tally)}\n`)
  return exitCode(tally)
}

async function runAll(request: TestArguments, steps: Steps, say: (text: string) => void): Promise<Tally> {
  const socket = engineSocket({ configured: '', dockerHost: process.env.DOCKER_HOST })
  const { suites, vitest } = request
  const consent = { ...terminalConsent(request.yes), yes: request.yes || process.getuid?.() === 0 }
  const needed = new Set(suites.flatMap((suite) => suite.needs))
  const tallies: Tally[] = []
  if (vitest.length === 0 && suites.some((suite) => suite.name === 'unit'))
    tallies.push(await steps.run('types, lint, format', () => staticChecks(runCommand, projectDir, say)))
  // What needs nothing runs first: a machine without an engine still learns all it can.
  const isProof = (suite: Suite) => suite.name === 'chaos' && request.chaos.minutes !== undefined
  const free = suites.filter((suite) => suite.needs.length === 0)
  for (const suite of free) tallies.push(await runSuite(suite, request, null, say))
  if (suites.some(isProof)) tallies.push(await runProof(request.chaos, say))
  const rest = suites.filter((suite) => suite.needs.length > 0 && !isProof(suite))
  if (rest.length > 0) {
    try {
      const machine = thisMachine()
      const parts = await prepareParts({ machine, projectDir, socket, consent, steps }, needed)
      try {
        tallies.push(...(await runWithParts(rest, request, parts, say)))
      } finally {
        await parts.close()
      }
    } catch (error) {
      tallies.push(oneTest(`what ${rest.map(({ name }) => name).join(', ')} need`, explain(error)))
    }
  }
  if (vitest.length === 0) tallies.push(checkFeatures(suites.filter((suite) => !isProof(suite))))
  return addTallies(tallies)
}

/** README's tables of features have to be what this run showed. */
function checkFeatures(suites: readonly Suite[]): Tally {
  const results = suites.map(({ name }) => readSuiteResult(suiteResultFile(stateDir, name)))
  const outcomes = new Map(results.flatMap((result) => Object.entries(result?.outcomes ?? {})))
  const ran = new Set(suites.map(({ name }) => name))
  const stale = staleCells(readFileSync(join(projectDir, 'README.md'), 'utf8'), outcomes, ran)
  const why = `npm run features writes them anew, but first: ${stale.slice(0, 5).join('; ')}`
  return oneTest('the tables of features in README', stale.length === 0 ? null : why)
}

/** Most of such a suite is waiting, so more than one runs at a time; whose line it is stands before it. */
async function runWithParts(
  suites: readonly Suite[],
  request: TestArguments,
  parts: Parts,
  say: (text: string) => void,
): Promise<Tally[]> {
  const lanes = Math.min(suites.length, availableParallelism(), MAX_LANES)
  const socket = suites.some((suite) => suite.makesSandboxes) ? parts.socket : null
  const before = new Set(socket === null ? [] : (await testSandboxes(runCommand, socket)).map(({ id }) => id))
  const tallies = await inLanes(suites, lanes, (suite) => {
    const sayWhose = (text: string) => say(lanes === 1 ? text : `${suite.name.padEnd(10)}${text}`)
    return runSuite(suite, request, parts, sayWhose)
  })
  const ran = tallies.some((tally) => tally.passed + tally.failed.length > 0)
  if (socket === null || !ran) return tallies
  return [...tallies, await checkLeaks(thisMachine(), socket, before)]
}

/** The long chaos run. It judges what it did by then when it is told to end, so this process waits for it. */
async function runProof(
  { seed = Date.now() % 1_000_000, minutes = 0 }: TestArguments['chaos'],
  say: (text: string) => void,
): Promise<Tally> {
  const folder = join(stateDir, 'chaos')
  say(`\n== chaos, seed ${seed}, at most ${minutes} min; progress and verdict: ${folder}`)
  const wait = () => undefined
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, wait)
  const script = join(projectDir, 'test', 'chaos', 'chaos-main.ts')
  const args = [...process.execArgv, script, String(seed), String(minutes), folder]
  const result = await runCommand(process.execPath, args, {
    ...{ cwd: projectDir, onLine: say, timeoutMs: (minutes + PROOF_END_MINUTES) * 60_000 },
  })
  const why = result.code === 0 ? null : (result.stdout.split('\n').at(-1) ?? `ended with ${result.code}`)
  return oneTest(`chaos, seed ${seed}`, why)
}

async function runSuite(
  suite: Suite,
  request: TestArguments,
  parts: Parts | null,
  say: (text: string) => void,
): Promise<Tally> {
  say(`== ${suite.name}`)
  const start = performance.now()
  const tally = await runVitest(suite, request, parts?.env ?? {}, say)
  const seconds = Math.round((performance.now() - start) / 1000)
  say(`== ${suite.name}: ${tally.passed} passed, ${tally.failed.length} failed in ${seconds} s`)
  return tally
}

async function runVitest(
  suite: Suite,
  { vitest, chaos }: TestArguments,
  env: Readonly<Record<string, string>>,
  say: (text: string) => void,
): Promise<Tally> {
  mkdirSync(stateDir, { recursive: true })
  const resultFile = suiteResultFile(stateDir, suite.name)
  rmSync(resultFile, { force: true })
  const script = join(projectDir, 'setup', 'vitest-suite.ts')
  const args = [...process.execArgv, script, suite.name, resultFile, ...vitest]
  // The Node that runs this is the Node of every script that the tests start.
  const path = `${dirname(process.execPath)}:${process.env.PATH ?? ''}`
  const result = await runCommand(process.execPath, args, {
    cwd: projectDir,
    env: {
      ...env,
      ...(chaos.seed === undefined ? {} : { CREEL_CHAOS_SEED: String(chaos.seed) }),
      PATH: path,
    },
    timeoutMs: suite.limitMs,
    onLine: say,
  })
  const tally = readSuiteResult(resultFile)
  if (tally !== null && result.code !== 124 && (result.code === 0 || tally.failed.length > 0)) return tally
  const why =
    result.code === 124 ? `ran longer than ${suite.limitMs / 60_000} min` : `vitest ended with ${result.code}`
  return addTallies([tally ?? NOTHING, oneTest(`suite ${suite.name}`, why)])
}

function listing(suites: readonly Suite[]): string {
  const rows = suites.map(({ name, needs }) => `${name.padEnd(10)}needs ${needs.join(', ') || 'nothing'}`)
  return `${rows.join('\n')}\n`
}

function explain(error: unknown): string {
  const hint = error instanceof CreelError && error.hint !== undefined ? `; ${error.hint}` : ''
  return `${errorText(error)}${hint}`.split('\n').slice(0, 3).join(' ')
}

process.exitCode = await main(process.argv.slice(2))
