import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CreelError } from '../../domain/errors.ts'
import type { RotationResult, Vault, VaultPlace } from '../../domain/ports/vault.ts'
import type { VaultContent } from '../../domain/secret.ts'
import type { VaultEdit } from '../../domain/vault-edits.ts'
import { replaceFile } from '../../replace-file.ts'
import { loadAge } from './load-age.ts'
import type { MasterKey } from './master-key.ts'
import { seal, unseal } from './sealed-content.ts'

interface Opened {
  readonly content: VaultContent
  readonly identities: readonly [string, ...string[]]
  /** Which of them the file on disk is locked with. */
  readonly opener: number
}

const EMPTY: VaultContent = { version: 1, secrets: [], defaults: {} }

/** One file in the age format, locked with a master key that lies elsewhere. */
export class AgeVault implements Vault {
  readonly #file: string
  readonly #key: MasterKey
  readonly #onContent: (content: VaultContent) => void
  #opened: Opened | null = null
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  /** `onContent` sees everything that is read and written. */
  constructor(file: string, key: MasterKey, onContent: (content: VaultContent) => void = () => undefined) {
    this.#file = file
    this.#key = key
    this.#onContent = onContent
  }

  place(): VaultPlace {
    return { exists: existsSync(this.#file), file: this.#file, key: this.#key.place }
  }

  async read(): Promise<VaultContent> {
    if (this.#opened) return this.#opened.content
    if (!existsSync(this.#file)) return EMPTY
    return this.#next(async () => (await this.#open())?.content ?? EMPTY)
  }

  change(edit: VaultEdit): Promise<VaultContent> {
    return this.#next(async () => {
      const known = await this.#open()
      const content = edit(known?.content ?? EMPTY)
      if (content === (known?.content ?? EMPTY)) return content
      const { identities, opener } = known ?? (await this.#firstKey())
      this.#onContent(content)
      await this.#write(content, identities[opener] ?? identities[0])
      this.#opened = { content, identities, opener }
      return content
    })
  }

  rotate(): Promise<RotationResult> {
    return this.#next(async () => {
      this.#opened = null
      const known = await this.#open()
      if (known === null)
        throw new CreelError('not_found', 'there is no vault yet, so there is no master key to change', {
          hint: './creel vault set makes both',
        })
      return known.opener > 0 ? this.#takeUp(known) : this.#newKey(known)
    })
  }

  /** The first of the keys is another one than the vault's: it was put there to be taken up. */
  async #takeUp({ content, identities }: Opened): Promise<RotationResult> {
    const [first] = identities
    await this.#write(content, first)
    this.#opened = { content, identities, opener: 0 }
    this.#endRotation()
    return 'taken-up'
  }

  /** Both keys are in place while the vault is locked anew: whichever of the two it is locked with, it opens. */
  async #newKey({ content, identities }: Opened): Promise<RotationResult> {
    const fresh = await loadAge().generateX25519Identity()
    const both = [fresh, ...identities] as const
    this.#key.write(both)
    await this.#write(content, fresh)
    this.#opened = { content, identities: both, opener: 0 }
    this.#endRotation()
    return 'new-key'
  }

  #endRotation(): void {
    const failure = this.#dropOldKeys()
    if (failure) throw failure
  }

  /** What a rotation leaves, also one that was killed. Where the key is not ours to write, a person does it. */
  #dropOldKeys(): CreelError | null {
    const opened = this.#opened
    if (opened?.opener !== 0 || opened.identities.length === 1) return null
    const [first] = opened.identities
    try {
      this.#key.write([first])
      this.#opened = { ...opened, identities: [first] }
      return null
    } catch (error) {
      if (!(error instanceof CreelError)) throw error
      return error.code === 'unauthorized' ? null : error
    }
  }

  async #open(): Promise<Opened | null> {
    if (this.#opened) return this.#opened
    if (!existsSync(this.#file)) return null
    const keys = await this.#key.read()
    if (keys === null) throw this.#noKey()
    const found = await unseal(this.#readFile(), keys)
    if (found === null) throw this.#wrongKey()
    const [first, ...others] = keys
    if (first === undefined) throw this.#noKey()
    this.#opened = { ...found, identities: [first, ...others] }
    this.#onContent(found.content)
    // A disk that is full must not keep the vault shut: it is tried again at the next start.
    this.#dropOldKeys()
    return this.#opened
  }

  /** The key comes first: a vault without its key would be lost. */
  async #firstKey(): Promise<Pick<Opened, 'identities' | 'opener'>> {
    const [first, ...others] = (await this.#key.read()) ?? []
    if (first !== undefined) return { identities: [first, ...others], opener: 0 }
    const fresh = await loadAge().generateX25519Identity()
    this.#key.write([fresh])
    return { identities: [fresh], opener: 0 }
  }

  async #write(content: VaultContent, identity: string): Promise<void> {
    const sealed = await seal(content, identity)
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      replaceFile(this.#file, sealed, 0o600)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error'
      throw new CreelError('unavailable', `the vault ${this.#file} cannot be written: ${code}`, {
        hint: 'free some disk space, or give the folder to the account that runs creel; it was left as it is',
        cause: error,
      })
    }
  }

  #readFile(): Uint8Array {
    try {
      return readFileSync(this.#file)
    } catch (error) {
      throw new CreelError('unavailable', `the vault ${this.#file} cannot be read`, {
        hint: 'give the file to the account that runs creel',
        cause: error,
      })
    }
  }

  #noKey(): CreelError {
    return new CreelError('unauthorized', `the vault's master key is missing: ${this.#key.place}`, {
      hint: `put the key back there, or say where it is with CREEL_MASTER_KEY_FILE; if it is lost, move ${this.#file} away and set the secrets anew`,
    })
  }

  #wrongKey(): CreelError {
    return new CreelError(
      'unauthorized',
      `the master key in ${this.#key.place} is not the one of the vault ${this.#file}`,
      {
        hint: `put the right key there; if it is lost, move ${this.#file} away and set the secrets anew`,
      },
    )
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(step)
    this.#turn = done.catch(() => undefined)
    return done
  }
}
