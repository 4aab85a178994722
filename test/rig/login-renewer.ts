// Uses a login over and over, so that it is renewed each time, until it is killed: `node login-renewer.ts FILE KEY_FILE`.
import { AgeVault } from '../../src/adapters/age-vault/age-vault.ts'
import { MasterKeyFile } from '../../src/adapters/age-vault/master-key.ts'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { HttpTokenServer } from '../../src/adapters/oauth/http-token-server.ts'
import { findSecret } from '../../src/domain/vault-edits.ts'
import { TokenKeeper } from '../../src/secrets/token-keeper.ts'

const [file = '', keyFile = ''] = process.argv.slice(2)
const NAME = 'openai/work'
const nothing = () => undefined
const vault = new AgeVault(file, new MasterKeyFile(keyFile))
const server = new HttpTokenServer(systemClock)
const report = { renewed: nothing, refused: nothing, failed: nothing }

for (;;) {
  // A keeper of its own each time, told that the token is not taken any more: it renews at once.
  const keeper = new TokenKeeper({ vault, server, clock: systemClock, random: () => 0, report })
  const known = findSecret(await vault.read(), NAME)?.value
  if (known?.kind === 'oauth') keeper.rejected(NAME, known.access)
  const login = await keeper.fresh(NAME)
  process.stdout.write(`${login.access}\n`)
}
