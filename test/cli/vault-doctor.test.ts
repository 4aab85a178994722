import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { changeValue } from '../../src/domain/vault-edits.ts'
import { CliRig } from './cli-rig.ts'

const KEY = 'sk-typed-0123456789abcdef'

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

async function run(args: readonly string[], ...typed: string[]) {
  cli.typed.push(...typed)
  return cli.run(...args)
}

describe('creel doctor looks at the vault', () => {
  const vaultFindings = async () => {
    const { out } = await cli.run('doctor', '--json')
    const all = JSON.parse(out) as { check: string; level: string; text: string; hint?: string }[]
    return all.filter(({ check }) => check === 'vault' || check === 'agent one')
  }
  const agent = (container: object) => {
    mkdirSync(join(cli.groupsDir, 'one'), { recursive: true })
    writeFileSync(join(cli.groupsDir, 'one', 'container.json'), JSON.stringify(container))
  }

  it('and finds nothing wrong with a sound one', async () => {
    agent({ provider: 'claude' })
    await run(['vault', 'set', 'anthropic/main'], KEY)
    expect((await vaultFindings()).map(({ level }) => level)).toEqual(['ok', 'ok'])
  })

  it('and says what to do: modes, a key beside the data, another key, logins at their end', async () => {
    await run(['vault', 'set', 'anthropic/main'], 'sk-ant-oat01-x')
    const file = join(cli.dataDir, 'vault', 'vault.age')
    chmodSync(file, 0o644)
    expect(await vaultFindings()).toContainEqual(
      expect.objectContaining({ level: 'problem', hint: `chmod go= ${file}` }),
    )
    chmodSync(file, 0o600)
    const inside = join(cli.dataDir, 'master.key')
    writeFileSync(inside, readFileSync(cli.env.CREEL_MASTER_KEY_FILE ?? ''), { mode: 0o600 })
    cli.env.CREEL_MASTER_KEY_FILE = inside
    expect(JSON.stringify(await vaultFindings())).toContain('a copy of that alone opens the vault')
    {
      using core = cli.core()
      await core.vault.change(
        changeValue('anthropic/main', (value) =>
          value.kind === 'oauth' ? { ...value, expiresAt: 1 } : null,
        ),
      )
    }
    expect(await vaultFindings()).toContainEqual(
      expect.objectContaining({ level: 'problem', text: expect.stringContaining('ended on 1970-01-01') }),
    )
    writeFileSync(inside, 'rubbish')
    expect(await vaultFindings()).toEqual([
      expect.objectContaining({ level: 'problem', text: expect.stringContaining('got something else') }),
    ])
  })

  it('and which agents have no credential', async () => {
    agent({ provider: 'claude' })
    expect((await vaultFindings())[1]).toMatchObject({
      level: 'warning',
      hint: './creel vault set anthropic/main',
    })
    agent({ provider: 'opencode', secrets: ['github'] })
    const found = await vaultFindings()
    expect(found.map(({ level }) => level)).toEqual(['ok', 'problem', 'warning'])
    expect(found[1]).toMatchObject({ text: expect.stringContaining('names the secret github') })
    await run(['vault', 'set', 'openai/main'], KEY)
    agent({ provider: 'opencode' })
    expect((await vaultFindings()).map(({ level }) => level)).toEqual(['ok', 'ok'])
    agent({ provider: 'demo' })
    expect((await vaultFindings()).map(({ level }) => level)).toEqual(['ok', 'ok'])
  })
})
