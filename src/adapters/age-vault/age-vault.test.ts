import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateX25519Identity } from 'age-encryption'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SecretValue } from '../../domain/secret.ts'
import { putSecret } from '../../domain/vault-edits.ts'
import { AgeVault } from './age-vault.ts'
import { keyFileText, MasterKeyCommand, MasterKeyFile } from './master-key.ts'
import { seal, sealWithPassphrase, unsealWithPassphrase } from './sealed-content.ts'

let folder: string
let file: string
let keyFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-vault-'))
  file = join(folder, 'data', 'vault', 'vault.age')
  keyFile = join(folder, 'config', 'creel', 'master.key')
})
afterEach(() => rmSync(folder, { recursive: true }))

const SECRET = 'sk-planted-0123456789'
const value: SecretValue = { kind: 'api-key', key: SECRET }
const open = () => new AgeVault(file, new MasterKeyFile(keyFile))
const put = (vault = open()) => vault.change(putSecret('anthropic/work', value, 1))
const keysIn = (path: string) => readFileSync(path, 'utf8').match(/^AGE-SECRET-KEY-1.*$/gm) ?? []

describe('at rest', () => {
  it('both files are for their owner alone, the key lies apart, and no file holds the secret', async () => {
    await put()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'data', 'vault')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(folder, 'data', 'vault'))).toEqual(['vault.age'])
    for (const path of [file, keyFile]) {
      const bytes = readFileSync(path, 'latin1')
      for (const form of [SECRET, Buffer.from(SECRET).toString('base64'), 'anthropic/work'])
        expect(bytes).not.toContain(form)
    }
    expect(readFileSync(file, 'latin1')).not.toContain(keysIn(keyFile)[0])
  })

  it('a changed byte anywhere is damage, never another content', async () => {
    await put()
    const whole = readFileSync(file)
    for (let at = 0; at < whole.length; at += 7) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      writeFileSync(file, changed)
      await expect(open().read()).rejects.toMatchObject({ name: 'CreelError' })
    }
    writeFileSync(file, whole.subarray(0, whole.length - 1))
    await expect(open().read()).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('a vault that cannot be opened', () => {
  const cases: readonly (readonly [string, () => void | Promise<void>, RegExp])[] = [
    ['whose key is gone', () => rmSync(keyFile), /master key is missing/],
    ['with another key', async () => writeFileSync(keyFile, await otherKey()), /is not the one of the vault/],
    ['whose key others can read', () => chmodSync(keyFile, 0o640), /can be read by others/],
    ['whose key is no key', () => writeFileSync(keyFile, 'hello-this-is-secret'), /got something else/],
    ['that is damaged', () => writeFileSync(file, 'age-encryption.org/v1\nrubbish'), /damaged/],
  ]
  const otherKey = async () => keyFileText([await generateX25519Identity()])

  it.each(cases)('%s says what to do and is never written', async (_, spoil, message) => {
    await put()
    await spoil()
    const before = readFileSync(file)
    const failure = { message: expect.stringMatching(message), hint: expect.stringMatching(/./) }
    await expect(open().read()).rejects.toMatchObject(failure)
    await expect(put()).rejects.toMatchObject(failure)
    await expect(open().rotate()).rejects.toMatchObject(failure)
    expect(readFileSync(file)).toEqual(before)
  })

  it('never shows a wrong key in its error', async () => {
    await put()
    writeFileSync(keyFile, 'hello-this-is-secret')
    const error = await open()
      .read()
      .then(String, (thrown: Error) => `${thrown.message} ${thrown.stack}`)
    expect(error).not.toContain('hello-this-is-secret')
  })

  it('opens as soon as the key is back', async () => {
    await put()
    const key = readFileSync(keyFile)
    rmSync(keyFile)
    const vault = open()
    await expect(vault.read()).rejects.toThrow('missing')
    writeFileSync(keyFile, key, { mode: 0o600 })
    expect((await vault.read()).secrets).toHaveLength(1)
  })

  it('written by a newer version is left alone', async () => {
    await put()
    const newer = { version: 2, secrets: [{ odd: SECRET }], defaults: {} } as never
    writeFileSync(file, await seal(newer, keysIn(keyFile)[0] ?? ''))
    const error = await put().then(String, (thrown: Error) => thrown.message)
    expect(error).toContain('cannot be understood')
    expect(error).not.toContain(SECRET)
  })
})

describe('a new master key', () => {
  it('opens the vault, and the old one does not', async () => {
    await put()
    const old = readFileSync(keyFile)
    const sealed = readFileSync(file)
    expect(await open().rotate()).toBe('new-key')
    expect(keysIn(keyFile)).toHaveLength(1)
    expect((await open().read()).secrets).toHaveLength(1)
    writeFileSync(keyFile, old)
    await expect(open().read()).rejects.toThrow('is not the one')
    writeFileSync(file, sealed)
    expect((await open().read()).secrets).toHaveLength(1)
  })

  it('that a killed rotation left half done opens the vault, before and after it was locked anew', async () => {
    await put()
    const [old = ''] = keysIn(keyFile)
    const fresh = await generateX25519Identity()
    writeFileSync(keyFile, keyFileText([fresh, old]))
    const vault = open()
    expect((await vault.read()).secrets).toHaveLength(1)
    expect(await vault.rotate()).toBe('taken-up')
    expect(keysIn(keyFile)).toEqual([fresh])
    writeFileSync(keyFile, keyFileText([fresh, old]))
    expect((await open().read()).secrets).toHaveLength(1)
    expect(keysIn(keyFile)).toEqual([fresh])
  })

  it('in a place that is not ours is only taken up', async () => {
    await put()
    const [old = ''] = keysIn(keyFile)
    const program = join(folder, 'give-key')
    const give = (...keys: string[]) =>
      writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' ${keys.join(' ')}\n`, { mode: 0o700 })
    const locked = () => new AgeVault(file, new MasterKeyCommand([program]))
    give(old)
    expect((await locked().read()).secrets).toHaveLength(1)
    await expect(locked().rotate()).rejects.toMatchObject({
      hint: expect.stringContaining('above the old one'),
    })
    const fresh = await generateX25519Identity()
    give(fresh, old)
    expect(await locked().rotate()).toBe('taken-up')
    give(fresh)
    expect((await locked().read()).secrets).toHaveLength(1)
    give(old)
    await expect(locked().read()).rejects.toThrow('is not the one')
  })

  it('cannot be had: the failing command is named, what it printed is not', async () => {
    await put()
    const program = join(folder, 'give-key')
    writeFileSync(program, `#!/bin/sh\necho ${SECRET}\necho ${SECRET} >&2\nexit 3\n`, { mode: 0o700 })
    const vault = new AgeVault(file, new MasterKeyCommand([program]))
    const error = await vault.read().then(String, (thrown: Error) => `${thrown.message} ${thrown.stack}`)
    expect(error).toContain('exit code 3')
    expect(error).not.toContain(SECRET)
  })
})

describe('an export', () => {
  it('is opened by its passphrase alone', { timeout: 60_000 }, async () => {
    const content = await put()
    const sealed = await sealWithPassphrase(content, 'a long passphrase')
    expect(Buffer.from(sealed).toString('latin1')).not.toContain(SECRET)
    expect(await unsealWithPassphrase(sealed, 'a long passphrase')).toEqual(content)
    await expect(unsealWithPassphrase(sealed, 'another')).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(unsealWithPassphrase(Buffer.from('hello'), 'x')).rejects.toMatchObject({ code: 'invalid' })
  })
})
