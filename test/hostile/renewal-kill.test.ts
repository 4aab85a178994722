import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { AgeVault } from '../../src/adapters/age-vault/age-vault.ts'
import { MasterKeyFile } from '../../src/adapters/age-vault/master-key.ts'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { HttpTokenServer } from '../../src/adapters/oauth/http-token-server.ts'
import type { OAuthSecret } from '../../src/domain/secret.ts'
import { findSecret, putSecret } from '../../src/domain/vault-edits.ts'
import { TokenKeeper } from '../../src/secrets/token-keeper.ts'
import { LoginServer } from '../rig/login-server.ts'

const RENEWER = join(import.meta.dirname, '..', 'rig', 'login-renewer.ts')
const NAME = 'openai/work'
const KILLS = 30

function open(folder: string): AgeVault {
  return new AgeVault(join(folder, 'vault.age'), new MasterKeyFile(join(folder, 'keys', 'k')))
}

async function logIn(folder: string, server: LoginServer): Promise<void> {
  const now = Date.now()
  const value: OAuthSecret = {
    kind: 'oauth',
    ...server.logIn(),
    ...{ expiresAt: now, obtainedAt: now, account: null, hosts: [], paths: [] },
    client: { tokenUrl: server.tokenUrl, clientId: 'creel-test', body: 'form' },
    ...{ renewingSince: null, dead: null },
  }
  await open(folder).change(putSecret(NAME, value, now))
}

async function stored(folder: string): Promise<OAuthSecret> {
  const value = findSecret(await open(folder).read(), NAME)?.value
  if (value?.kind !== 'oauth') throw new Error('the login is gone')
  return value
}

/** Renews until it is killed, some time after the first renewal. */
async function renewAndKill(folder: string, afterMs: number): Promise<void> {
  const args = [RENEWER, join(folder, 'vault.age'), join(folder, 'keys', 'k')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const first = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', () => first.resolve())
  const ended = once(child, 'close')
  await Promise.race([first.promise, ended])
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  child.kill('SIGKILL')
  await ended
}

it('a kill -9 at any instant of a renewal leaves the old or the new tokens; what was lost can be told', {
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'creel-renew-'))
  const server = await LoginServer.make()
  let lost = 0
  try {
    await logIn(folder, server)
    for (let kill = 0; kill < KILLS; kill++) {
      // Every third time the server is slow, so that the kill comes between its answer and the write.
      server.beforeAnswer = async () => {
        if (kill % 3 === 2) await new Promise((resolve) => setTimeout(resolve, 30))
      }
      await renewAndKill(folder, (kill * 7) % 61)
      server.beforeAnswer = async () => undefined
      const login = await stored(folder)
      // Never torn: both tokens were issued together.
      expect(server.pairs.get(login.access)).toBe(login.refresh)
      expect(login.dead).toBeNull()

      const refused: string[] = []
      const report = {
        renewed: () => undefined,
        refused: (_: string, why: string) => void refused.push(why),
        failed: () => undefined,
      }
      const keeper = new TokenKeeper({
        ...{ vault: open(folder), server: new HttpTokenServer(systemClock), clock: systemClock },
        ...{ random: () => 0, report },
      })
      keeper.rejected(NAME, login.access)
      try {
        const next = await keeper.fresh(NAME)
        expect(server.isGood(next.access)).toBe(true)
        expect(await stored(folder)).toMatchObject({ access: next.access, renewingSince: null })
      } catch {
        // The one that was killed had used the refresh token up: only the vault's own note can say so.
        lost++
        expect(login.renewingSince).not.toBeNull()
        expect(refused.join()).toContain('was cut off before its answer was written')
        expect((await stored(folder)).dead?.reason).toContain('were lost')
        await logIn(folder, server)
      }
    }
  } finally {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  }
  console.log(`of ${KILLS} kills ${lost} fell between the answer of the token server and its write`)
  expect(server.asked.length).toBeGreaterThan(KILLS)
  expect(lost).toBeLessThan(KILLS)
})
