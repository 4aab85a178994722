import type { Decrypter } from 'age-encryption'
import { CreelError } from '../../domain/errors.ts'
import { VaultContent } from '../../domain/secret.ts'
import { loadAge } from './load-age.ts'

/** The content as a file of the age format that this identity opens. */
export async function seal(content: VaultContent, identity: string): Promise<Uint8Array> {
  const { Encrypter, identityToRecipient } = loadAge()
  const encrypter = new Encrypter()
  encrypter.addRecipient(await identityToRecipient(identity))
  return encrypter.encrypt(JSON.stringify(content))
}

/** The content and which of the identities opened it; null when none does. Throws CreelError for damage. */
export async function unseal(
  sealed: Uint8Array,
  identities: readonly string[],
): Promise<{ readonly content: VaultContent; readonly opener: number } | null> {
  const { Decrypter } = loadAge()
  for (const [opener, identity] of identities.entries()) {
    const decrypter = new Decrypter()
    decrypter.addIdentity(identity)
    const text = await decrypted(decrypter, sealed)
    if (text !== null) return { content: parsed(text), opener }
  }
  return null
}

/** A copy for another place, locked with a passphrase; `age -d` opens it too. Takes about a second, on purpose. */
export async function sealWithPassphrase(content: VaultContent, passphrase: string): Promise<Uint8Array> {
  const { Encrypter } = loadAge()
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  return encrypter.encrypt(JSON.stringify(content))
}

/** Throws CreelError `unauthorized` for a wrong passphrase, `invalid` for anything else. */
export async function unsealWithPassphrase(sealed: Uint8Array, passphrase: string): Promise<VaultContent> {
  const { Decrypter } = loadAge()
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  const text = await decrypted(decrypter, sealed)
  if (text === null)
    throw new CreelError('unauthorized', 'this passphrase does not open the file', {
      hint: 'or the file is no export of a vault: ./creel vault export makes one',
    })
  return parsed(text)
}

/** Null when it is not for this key. The library tells the two apart by its message alone. */
async function decrypted(decrypter: Decrypter, sealed: Uint8Array): Promise<string | null> {
  try {
    return await decrypter.decrypt(sealed, 'text')
  } catch (error) {
    if (error instanceof Error && error.message.includes('no identity matched')) return null
    throw new CreelError('invalid', 'the file is damaged, or not a vault', {
      hint: 'restore it from a backup; it was left as it is',
      cause: error,
    })
  }
}

function parsed(text: string): VaultContent {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    // The parser's message holds a piece of the text.
    throw new CreelError('invalid', 'the file was opened, but it holds no vault')
  }
  const result = VaultContent.safeParse(raw)
  if (result.success) return result.data
  // The keys alone: values are secrets.
  const where = result.error.issues.map(({ path }) => path.join('.')).slice(0, 3)
  throw new CreelError('invalid', `what is in the vault cannot be understood (${where.join(', ')})`, {
    hint: 'it was written by a newer Creel: use that one; it was left as it is',
  })
}
