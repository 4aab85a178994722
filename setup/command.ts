import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** What is kept of a command's output: its end, where the error stands. */
const KEPT_LINES = 200
const NOT_FOUND = 127
const TIMED_OUT = 124
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface CommandResult {
  /** As a shell says it: 127 for a missing command, 124 at the time limit, 128+n when ended by signal n. */
  readonly code: number
  /** The last 200 lines each. */
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd?: string
  /** Laid over this process' environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Called for every line of both streams as it comes. */
  readonly onLine?: (line: string) => void
  /** After this long the command and its children are killed. */
  readonly timeoutMs?: number
}

/** Runs a command without a shell and without input. Never rejects for what the command does. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options?: CommandOptions,
) => Promise<CommandResult>

export const runCommand: RunCommand = (command, args, options = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own process group, so that a time limit and Ctrl-C reach its children too.
      detached: true,
    })
    const stdout = keepLines(child.stdout, options.onLine)
    const stderr = keepLines(child.stderr, options.onLine)
    const stopPassing = passSignals(child)
    let timedOut = false
    const limit = () => {
      timedOut = true
      signalGroup(child, 'SIGKILL')
    }
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(limit, options.timeoutMs)
    const finish = (code: number, problem = '') => {
      clearTimeout(timer)
      stopPassing()
      resolve({ code, stdout: stdout.join('\n'), stderr: [...stderr, problem].join('\n').trim() })
    }
    child.once('error', (error) => finish(NOT_FOUND, `${command}: ${error.message}`))
    child.once('close', (code, signal) =>
      finish(timedOut ? TIMED_OUT : (code ?? 128 + (signal === null ? 0 : constants.signals[signal]))),
    )
  })

/** The last `count` lines that a failed command wrote, for a person. */
export function lastWords(result: CommandResult, count = 15): string {
  const text = result.stderr.trim() === '' ? result.stdout : result.stderr
  return text.trim().split('\n').slice(-count).join('\n')
}

function keepLines(stream: Readable, onLine: ((line: string) => void) | undefined): string[] {
  const kept: string[] = []
  createInterface({ input: stream }).on('line', (line) => {
    kept.push(line)
    if (kept.length > KEPT_LINES) kept.shift()
    onLine?.(line)
  })
  return kept
}

/** Hands the signals that end this process to the child's group first. Returns what undoes it. */
function passSignals(child: ChildProcess): () => void {
  const pass = (signal: NodeJS.Signals) => {
    signalGroup(child, signal)
    stop()
    // Nobody else listens: die of it as if it had not been caught.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  const stop = () => {
    for (const signal of ENDING) process.off(signal, pass)
  }
  for (const signal of ENDING) process.on(signal, pass)
  return stop
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // Gone in the meantime.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
