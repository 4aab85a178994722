import { createRequire } from 'node:module'
import type * as Age from 'age-encryption'

/**
 * The library of the vault, loaded at its first use: it brings elliptic curves and post-quantum keys, a tenth of a
 * host's start and 11 MB, and a host that has no secret never needs it.
 */
export function loadAge(): typeof Age {
  return createRequire(import.meta.url)('age-encryption') as typeof Age
}
