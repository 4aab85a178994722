import type { VaultContent } from '../secret.ts'
import type { VaultEdit } from '../vault-edits.ts'

/** What can be said of a vault without opening it. */
export interface VaultPlace {
  /** Whether anything was ever kept. */
  readonly exists: boolean
  readonly file: string
  /** Where the master key comes from, in words for a person. */
  readonly key: string
}

/**
 * Where credentials rest, encrypted. One process at a time works with it: the one that holds the instance lock. Every
 * method may be called at any time; what changes it is done one after the other.
 */
export interface Vault {
  /**
   * Everything in it; empty when there is no vault yet. Throws CreelError when it cannot be opened (no key, another
   * key, damage); asked again, it looks again.
   */
  read(): Promise<VaultContent>
  /**
   * Applies an edit to the newest content. Durable when it resolves; a kill leaves the old or the new content. An edit
   * that returns its argument writes nothing. Throws what the edit throws, and CreelError like `read`: a vault that
   * cannot be opened is never written.
   */
  change(edit: VaultEdit): Promise<VaultContent>
  /** Gives it a new master key. A kill at any instant leaves a vault that its key opens. Throws CreelError. */
  rotate(): Promise<RotationResult>
  place(): VaultPlace
}

/** `taken-up`: the key is not ours to write; the vault is now locked with the first of the keys that were given. */
export type RotationResult = 'new-key' | 'taken-up'
