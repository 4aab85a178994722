import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { AgeVault } from '../../src/adapters/age-vault/age-vault.ts'
import { MasterKeyFile } from '../../src/adapters/age-vault/master-key.ts'
import { findSecret } from '../../src/domain/vault-edits.ts'

const WRITER = join(import.meta.dirname, '..', 'rig', 'vault-writer.ts')
const KILLS = 25

/** Starts a writer, kills it some time after its first write; says how far it said that it had come. */
async function writeAndKill(args: readonly string[], afterMs: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let last = 0
  const first = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = Number(line)
    first.resolve()
  })
  const ended = once(child, 'close')
  await Promise.race([first.promise, ended])
  // The instant of the kill is what is tried, so it is spread over what one write takes.
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  child.kill('SIGKILL')
  await ended
  return last
}

it.each(['put', 'rotate'])(
  'a kill -9 at any instant of "%s" leaves the old or the new',
  { timeout: 300_000 },
  async (what) => {
    const folder = mkdtempSync(join(tmpdir(), 'creel-kill-'))
    try {
      const file = join(folder, 'vault.age')
      const keyFile = join(folder, 'keys', 'master.key')
      for (let kill = 0; kill < KILLS; kill++) {
        const said = await writeAndKill([file, keyFile, what], (kill * 3) % 40)
        const vault = new AgeVault(file, new MasterKeyFile(keyFile))
        const value = findSecret(await vault.read(), 'openai/a')?.value
        if (value?.kind !== 'oauth') throw new Error('the secret is gone')
        // Whole: both halves are of the same write, and what was said to be durable is there.
        expect(value.access).toMatch(new RegExp(`^access-${value.obtainedAt}-x{2000}$`))
        expect(value.refresh).toMatch(new RegExp(`^refresh-${value.obtainedAt}-x{2000}$`))
        expect(value.obtainedAt - said).toBeGreaterThanOrEqual(0)
        expect(value.obtainedAt - said).toBeLessThanOrEqual(1)
        expect(readFileSync(keyFile, 'utf8').match(/^AGE-SECRET-KEY-1/gm)?.length).toBeLessThanOrEqual(2)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
