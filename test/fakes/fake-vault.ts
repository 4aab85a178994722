import { CreelError } from '../../src/domain/errors.ts'
import type { RotationResult, Vault, VaultPlace } from '../../src/domain/ports/vault.ts'
import { VaultContent } from '../../src/domain/secret.ts'
import type { VaultEdit } from '../../src/domain/vault-edits.ts'

/** A vault in memory. `failing` makes every use throw, as a vault without its key does. */
export class FakeVault implements Vault {
  failing: CreelError | null = null
  /** How often something was written. */
  writes = 0
  readonly #disk: { content: VaultContent | null }

  constructor(disk: { content: VaultContent | null } = { content: null }) {
    this.#disk = disk
  }

  async read(): Promise<VaultContent> {
    return this.#content()
  }

  async change(edit: VaultEdit): Promise<VaultContent> {
    const before = this.#content()
    const content = edit(before)
    if (content === before) return content
    this.writes++
    this.#disk.content = VaultContent.parse(content)
    return this.#disk.content
  }

  async rotate(): Promise<RotationResult> {
    this.#content()
    if (this.#disk.content === null) throw new CreelError('not_found', 'there is no vault yet')
    return 'new-key'
  }

  place(): VaultPlace {
    return { exists: this.#disk.content !== null, file: 'memory', key: 'none' }
  }

  #content(): VaultContent {
    if (this.failing) throw this.failing
    return this.#disk.content ?? { version: 1, secrets: [], defaults: {} }
  }
}
