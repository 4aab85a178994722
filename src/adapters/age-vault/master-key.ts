import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { CreelError } from '../../domain/errors.ts'
import { replaceFile } from '../../replace-file.ts'

/** Where master keys come from: age identities, the one to lock with first. */
export interface MasterKey {
  /** In words for a person. */
  readonly place: string
  /** Null when there is none yet. Throws CreelError for a key that must not be used as it is. */
  read(): Promise<readonly string[] | null>
  /** Replaces all of them, atomically. Throws CreelError with code `unauthorized` where it is not ours to write. */
  write(identities: readonly string[]): void
}

const IDENTITY = /^AGE-SECRET-KEY-1[A-Z0-9]{58}$/
/** Files of this folder have the modes that the engine gives them, and nobody else is in the container. */
const DOCKER_SECRETS = /^\/run\/secrets\//
const READ_ONLY: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM', 'EBUSY'])
/** A keyring may ask its owner. */
const COMMAND_MS = 60_000

const ROTATE_OUTSIDE =
  'put a new key (one line, made with age-keygen) above the old one in that place, start Creel again, and rotate once more: it then takes up the first one and the old line can go'

/** A file that holds the key, readable by its owner alone. Made at first use. */
export class MasterKeyFile implements MasterKey {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  get place(): string {
    return this.#path
  }

  async read(): Promise<readonly string[] | null> {
    const path = this.#path
    if (!existsSync(path)) return null
    let text: string
    try {
      if ((statSync(path).mode & 0o077) !== 0 && !DOCKER_SECRETS.test(path))
        throw new CreelError('invalid', `the master key ${path} can be read by others`, {
          hint: `chmod 600 ${path}`,
        })
      text = readFileSync(path, 'utf8')
    } catch (error) {
      if (error instanceof CreelError) throw error
      throw new CreelError('unavailable', `the master key ${path} cannot be read: ${codeOf(error)}`, {
        hint: 'give the file to the account that runs creel',
        cause: error,
      })
    }
    return identitiesIn(text, path)
  }

  write(identities: readonly string[]): void {
    const path = this.#path
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      replaceFile(path, keyFileText(identities), 0o600)
    } catch (error) {
      const code = codeOf(error)
      if (READ_ONLY.has(code))
        throw new CreelError('unauthorized', `the master key ${path} cannot be written: ${code}`, {
          hint: existsSync(path)
            ? ROTATE_OUTSIDE
            : 'make the folder writable for the account that runs creel, or set CREEL_MASTER_KEY_FILE',
          cause: error,
        })
      throw new CreelError('unavailable', `the master key ${path} cannot be written: ${code}`, {
        hint: 'nothing was changed; free some disk space or set CREEL_MASTER_KEY_FILE to another place',
        cause: error,
      })
    }
  }
}

/** A command that prints the key: a keyring, a password manager. Creel never writes there. */
export class MasterKeyCommand implements MasterKey {
  readonly #command: readonly [string, ...string[]]

  constructor(command: readonly [string, ...string[]]) {
    this.#command = command
  }

  get place(): string {
    return `the command ${this.#command[0]}`
  }

  async read(): Promise<readonly string[]> {
    const [program, ...args] = this.#command
    let text: string
    try {
      const ran = promisify(execFile)(program, args, { timeout: COMMAND_MS, maxBuffer: 65_536 })
      ran.child.stdin?.end()
      text = (await ran).stdout
    } catch (error) {
      // Its message holds what the command printed.
      const { code } = error as { code?: number | string | null }
      const how = typeof code === 'number' ? `exit code ${code}` : (code ?? 'no answer in time')
      throw new CreelError('unavailable', `the master key cannot be had from ${this.place}: ${how}`, {
        hint: 'run vault.key_command of creel.toml by hand: it must print the key and nothing else',
      })
    }
    return identitiesIn(text, this.place)
  }

  write(): never {
    throw new CreelError('unauthorized', `${this.place} only gives the master key; Creel does not write it`, {
      hint: ROTATE_OUTSIDE,
    })
  }
}

/** An account without a home has no place for a key of its own. */
export class NoMasterKey implements MasterKey {
  readonly place = 'none'

  async read(): Promise<null> {
    return null
  }

  write(): never {
    throw new CreelError('invalid', 'there is no place for the master key: this account has no home', {
      hint: 'set CREEL_MASTER_KEY_FILE, or vault.key_file in creel.toml',
    })
  }
}

/** What a key file holds; age's own tools read it as well. */
export function keyFileText(identities: readonly string[]): string {
  return [
    '# The master key of Creel. Without it the vault cannot be opened.',
    '# Keep a copy in a safe place, apart from backups of the data directory.',
    ...identities,
    '',
  ].join('\n')
}

function identitiesIn(text: string, place: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim())
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (identities.length === 0 || !identities.every((line) => IDENTITY.test(line)))
    throw new CreelError(
      'invalid',
      `${place}: expected the master key (a line AGE-SECRET-KEY-1…), got something else`,
      {
        hint: 'put the right key there; nothing in the vault was changed',
      },
    )
  return identities
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error'
}
