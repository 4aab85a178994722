import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import type { Clock } from '../../clock.ts'
import { type LineTransport, StreamTransport } from '../../json-rpc/transport.ts'
import { killTree, type ProcessMark } from '../../process-tree.ts'

/** How long app-server may take to leave when its input ends; it needs about 70 ms. */
const LEAVE_MS = 700
/** After its death: for what it had still written. */
const LAST_WORDS_MS = 100
const MAX_STDERR = 2_000

/** A process that speaks JSON-RPC over its stdin and stdout. */
export interface RunningProcess {
  readonly transport: LineTransport
  /** Resolves with how it ended, in words, once what it wrote has been delivered. */
  readonly ended: Promise<string>
  /** Ends it and all that it started, at once. Idempotent. */
  kill(): void
  /** Asks it to leave, then kills what is left of it and of its tools. Idempotent. */
  stop(): Promise<void>
}

export type Launch = () => RunningProcess

export interface LaunchOptions {
  readonly command: readonly string[]
  readonly cwd: string
  /** Added to the variables of the runner. */
  readonly environment: Readonly<Record<string, string>>
  /** One of them, by which its descendants are known. */
  readonly mark: ProcessMark
  readonly clock: Clock
}

/** Starts a process. What it writes to stderr is kept, bounded, for the words in which its end is reported. */
export function launch(options: LaunchOptions): RunningProcess {
  const { spawn } = process.getBuiltinModule('node:child_process')
  const { clock, mark } = options
  const variables = Object.entries(options.environment).map(([name, value]) => `${name}=${value}`)
  // env(1) adds to our variables and then becomes the program: the same process.
  const child = spawn('/usr/bin/env', [...variables, ...options.command], {
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-MAX_STDERR)
  })
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
  const patience = (ms: number) => clock.sleep(ms, new AbortController().signal)
  const ended = exited.then(async (how) => {
    // A tool may hold the pipe open, so its end is not waited for without a limit.
    await Promise.race([
      child.stdout.readableEnded ? undefined : once(child.stdout, 'end').catch(() => undefined),
      patience(LAST_WORDS_MS),
    ])
    // It warns of this and that all the time: its last words say something only when it left by itself, unwell.
    const words = /^exit code [1-9]/.test(how) ? lastLine(stderr) : ''
    return words === '' ? how : `${how} (${words})`
  })
  const kill = () => {
    killTree(child.exitCode === null && child.signalCode === null ? child.pid : undefined, mark)
    child.stdout.destroy()
    child.stderr.destroy()
  }
  return {
    transport: new StreamTransport(child.stdin, child.stdout),
    ended,
    kill,
    async stop() {
      child.stdin.end()
      await Promise.race([exited, patience(LEAVE_MS)])
      kill()
      await exited
    },
  }
}

function lastLine(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trim())
  return (lines.findLast((line) => line !== '') ?? '').slice(0, 300)
}
