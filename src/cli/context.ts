import { type Install, loadInstall } from '../config/load.ts'
import type { Output } from './output.ts'
import type { SecretInput } from './secret-input.ts'

/** What every command of the CLI is given. */
export interface CliContext {
  readonly projectDir: string
  readonly env: NodeJS.ProcessEnv
  readonly output: Output
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** Where secrets are typed; standard input when it is left out. */
  readonly secretInput?: SecretInput
}

/** Reads the settings; asked for by each command that needs them, so that `--help` works with a broken file. */
export function installOf(context: CliContext): Install {
  return loadInstall(context.projectDir, context.env)
}
