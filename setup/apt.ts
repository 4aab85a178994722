import { CreelError } from '../src/domain/errors.ts'
import { lastWords } from './command.ts'
import type { Consent } from './consent.ts'
import type { Machine } from './machine.ts'

const LIMIT_MS = 15 * 60_000

export interface Wanted {
  /** Debian's names. */
  readonly packages: readonly string[]
  /** Completes "… is missing: ". */
  readonly what: string
  /** What to do where there is no apt. */
  readonly elsewhere: string
}

/** `[]` for root, `sudo -n` where that works without a password, null where this user cannot become root. */
export async function rootPrefix(machine: Machine): Promise<readonly string[] | null> {
  if (machine.uid === 0) return []
  if (!machine.has('sudo')) return null
  const sudo = await machine.run('sudo', ['-n', 'true'], { timeoutMs: 10_000 })
  return sudo.code === 0 ? ['sudo', '-n'] : null
}

/**
 * Installs Debian packages, after asking (or with `--yes`). Throws with the commands to type when it may not or
 * cannot. Running it again after any failure is safe.
 */
export async function installPackages(
  machine: Machine,
  wanted: Wanted,
  consent: Consent,
  log: (line: string) => void,
): Promise<void> {
  const commands = [
    'apt-get update',
    `apt-get install -y --no-install-recommends ${wanted.packages.join(' ')}`,
  ]
  const missing = (why: string, hint: string) =>
    new CreelError('unavailable', `${wanted.what} is missing${why}`, { hint })
  if (machine.platform !== 'linux' || !machine.has('apt-get')) throw missing('', wanted.elsewhere)
  const root = await rootPrefix(machine)
  const byHand = `type: ${commands.map((command) => (machine.uid === 0 ? command : `sudo ${command}`)).join(' && ')}`
  if (root === null) throw missing(', and this user cannot install it', byHand)
  if (!consent.yes && !consent.interactive)
    throw missing('', `run this again with --yes to have it installed, or ${byHand}`)
  if (
    !consent.yes &&
    !(await consent.ask(`${wanted.what} is missing. Install ${wanted.packages.join(', ')} by apt now?`))
  )
    throw missing(' and was not to be installed', byHand)
  for (const command of commands) {
    log(command)
    const [program = '', ...args] = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command.split(' ')]
    const result = await machine.run(program, args, { timeoutMs: LIMIT_MS, onLine: log })
    if (result.code !== 0)
      throw new CreelError('unavailable', `${command} failed (${result.code}):\n${lastWords(result)}`, {
        hint: 'see what apt says above; when it is put right, run this again',
      })
  }
}
