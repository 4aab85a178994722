import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgeVault } from '../../src/adapters/age-vault/age-vault.ts'
import { MasterKeyFile } from '../../src/adapters/age-vault/master-key.ts'
import type { VaultContent } from '../../src/domain/secret.ts'
import { FakeVault } from '../fakes/fake-vault.ts'
import { vaultContract } from './vault.ts'

vaultContract('the vault in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'creel-vault-'))
  const open = () =>
    new AgeVault(join(folder, 'data', 'vault.age'), new MasterKeyFile(join(folder, 'keys', 'k')))
  return {
    vault: open(),
    reopen: open,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
})

vaultContract('the fake vault', () => {
  const disk: { content: VaultContent | null } = { content: null }
  return { vault: new FakeVault(disk), reopen: () => new FakeVault(disk), [Symbol.dispose]: () => undefined }
})
