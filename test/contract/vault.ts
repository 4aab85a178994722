import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Vault } from '../../src/domain/ports/vault.ts'
import type { SecretValue } from '../../src/domain/secret.ts'
import {
  changeValue,
  findSecret,
  makeDefault,
  putSecret,
  removeSecret,
} from '../../src/domain/vault-edits.ts'

export interface VaultRig extends Disposable {
  readonly vault: Vault
  /** The same place, opened anew. */
  reopen(): Vault
}

const key = (text: string): SecretValue => ({ kind: 'api-key', key: text })

/** What every vault promises. */
export function vaultContract(name: string, make: () => VaultRig): void {
  describe(`${name} keeps the contract of a vault`, () => {
    let rig: VaultRig
    beforeEach(() => {
      rig = make()
    })
    afterEach(() => rig[Symbol.dispose]())

    it('is empty, and reading makes nothing', async () => {
      expect(await rig.vault.read()).toEqual({ version: 1, secrets: [], defaults: {} })
      expect(rig.vault.place().exists).toBe(false)
    })

    it('keeps what was put, also for who opens it next', async () => {
      await rig.vault.change(putSecret('anthropic/work', key('sk-1'), 7))
      await rig.vault.change(
        putSecret('github', { kind: 'bearer', token: 't', hosts: ['a.b'], paths: [] }, 8),
      )
      const content = await rig.reopen().read()
      expect(findSecret(content, 'anthropic/work')).toEqual({
        name: 'anthropic/work',
        value: key('sk-1'),
        changedAt: 7,
        lastUsedAt: null,
      })
      expect(content.secrets.map((secret) => secret.name)).toEqual(['anthropic/work', 'github'])
      expect(content.defaults).toEqual({ anthropic: 'anthropic/work' })
      expect(rig.vault.place().exists).toBe(true)
    })

    it('changes one thing after the other: none of fifty at once is lost', async () => {
      await rig.vault.change(putSecret('openai/a', key('k0'), 0))
      await Promise.all(
        Array.from({ length: 50 }, () =>
          rig.vault.change(
            changeValue('openai/a', (old) =>
              old.kind === 'api-key' ? key(`k${Number(old.key.slice(1)) + 1}`) : null,
            ),
          ),
        ),
      )
      expect(findSecret(await rig.reopen().read(), 'openai/a')?.value).toEqual(key('k50'))
    })

    it('leaves everything as it was when an edit throws', async () => {
      await rig.vault.change(putSecret('openai/a', key('k'), 0))
      await expect(rig.vault.change(removeSecret('openai/b'))).rejects.toMatchObject({ code: 'not_found' })
      expect((await rig.vault.read()).secrets).toHaveLength(1)
      expect((await rig.reopen().read()).secrets).toHaveLength(1)
    })

    it('has one default profile for each service, and finds another when it is removed', async () => {
      for (const profile of ['work', 'home']) {
        await rig.vault.change(putSecret(`anthropic/${profile}`, key(profile), 0))
      }
      expect((await rig.vault.read()).defaults.anthropic).toBe('anthropic/work')
      await rig.vault.change(makeDefault('anthropic/home'))
      expect((await rig.vault.read()).defaults.anthropic).toBe('anthropic/home')
      await rig.vault.change(removeSecret('anthropic/home'))
      expect((await rig.vault.read()).defaults.anthropic).toBe('anthropic/work')
      await rig.vault.change(removeSecret('anthropic/work'))
      expect((await rig.reopen().read()).defaults).toEqual({})
    })

    it('has the same content after its key was changed', async () => {
      await expect(rig.vault.rotate()).rejects.toMatchObject({ code: 'not_found' })
      const before = await rig.vault.change(putSecret('telegram/main', key('1:a'), 0))
      expect(await rig.vault.rotate()).toBe('new-key')
      expect(await rig.vault.read()).toEqual(before)
      expect(await rig.reopen().read()).toEqual(before)
    })
  })
}
