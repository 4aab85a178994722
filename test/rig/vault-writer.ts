// Writes a vault over and over until it is killed: `node vault-writer.ts FILE KEY_FILE put|rotate`.
import { AgeVault } from '../../src/adapters/age-vault/age-vault.ts'
import { MasterKeyFile } from '../../src/adapters/age-vault/master-key.ts'
import { findSecret, putSecret } from '../../src/domain/vault-edits.ts'

const [file = '', keyFile = '', what = ''] = process.argv.slice(2)
const vault = new AgeVault(file, new MasterKeyFile(keyFile))
const token = (n: number, part: string) => `${part}-${n}-${'x'.repeat(2_000)}`

for (;;) {
  const known = findSecret(await vault.read(), 'openai/a')?.value
  const n = known?.kind === 'oauth' ? known.obtainedAt + 1 : 1
  const value = {
    kind: 'oauth',
    access: token(n, 'access'),
    refresh: token(n, 'refresh'),
    obtainedAt: n,
    expiresAt: null,
    account: null,
    client: null,
    hosts: [] as string[],
    paths: [] as string[],
    renewingSince: null,
    dead: null,
  } as const
  // One edit that reads what is there, as a renewal does.
  await vault.change(putSecret('openai/a', value, n))
  if (what === 'rotate') await vault.rotate()
  process.stdout.write(`${n}\n`)
}
