// The command line: arguments, signals, exit code, and nothing else.
import { resolve } from 'node:path'
import { explain, standardOutput } from './cli/output.ts'

const FORCED_EXIT_MS = 20_000
/** What these do not need, a sixth of all there is to load, would only make a start longer. */
const RUNS_A_HOST: ReadonlySet<string> = new Set(['up', 'serve'])

async function main(): Promise<void> {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // A second signal, or a stop that hangs, ends at once: everything that counts is on disk.
      if (abort.signal.aborted) process.exit(130)
      abort.abort(new Error(`got ${name}`))
      setTimeout(() => process.exit(1), FORCED_EXIT_MS).unref()
    })
  }
  // A reader that goes away (`creel logs | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  const build = RUNS_A_HOST.has(process.argv[2] ?? '')
    ? (await import('./cli/host-program.ts')).buildHostProgram
    : (await import('./cli/program.ts')).buildProgram
  const program = build({
    projectDir: resolve(import.meta.dirname, '..'),
    env: process.env,
    output: standardOutput,
    signal: abort.signal,
  })
  try {
    await program.parseAsync(process.argv)
  } catch (error) {
    const { exitCode, code } = error as { exitCode?: number; code?: string }
    // commander has said what it had to say (help, a wrong option) before it throws.
    if (code?.startsWith('commander.')) process.exitCode = exitCode ?? 1
    else {
      standardOutput.err(explain(error))
      process.exitCode = 1
    }
  }
  // What was ended by a signal has said so: work that nobody waits for any more does not hold the terminal.
  if (abort.signal.aborted) process.exit()
}

await main()
