import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { BROWSER_POLICY_FILE, CA_BUNDLE_FILE, CA_FILE } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TrustFiles } from './trust-files.ts'

/** Any certificate will do; without its last line end, as some tools write them. */
const CA = rootCertificates[0]?.trimEnd() ?? ''

describe('trust files', () => {
  let folder: string
  let trust: TrustFiles
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'creel-trust-'))
    trust = new TrustFiles()
    trust.write(folder, CA)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('hold our certificate alone, and below all that the host trusts, each of them whole', () => {
    expect(read(CA_FILE)).toBe(`${CA}\n`)
    const bundle = read(CA_BUNDLE_FILE)
    expect(bundle.endsWith(`${CA}\n`)).toBe(true)
    const all = bundle.match(/-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----\n/g) ?? []
    expect(all.join('')).toBe(bundle)
    expect(all.length).toBeGreaterThan(rootCertificates.length)
  })

  it('tell a browser the same certificate', () => {
    const { CACertificates } = JSON.parse(read(BROWSER_POLICY_FILE))
    const told = CACertificates.map(
      (der: string) => new X509Certificate(Buffer.from(der, 'base64')).fingerprint256,
    )
    expect(told).toEqual([new X509Certificate(CA).fingerprint256])
  })

  it('can be read by another uid whatever the umask, are left alone when they are right, and replaced when not', () => {
    const before = statSync(join(folder, CA_FILE))
    expect(before.mode & 0o777).toBe(0o644)
    writeFileSync(join(folder, CA_BUNDLE_FILE), 'old')
    const umask = process.umask(0o077)
    try {
      new TrustFiles().write(folder, CA)
    } finally {
      process.umask(umask)
    }
    expect(statSync(join(folder, CA_BUNDLE_FILE)).mode & 0o777).toBe(0o644)
    expect(read(CA_BUNDLE_FILE)).toContain(CA)
    expect(statSync(join(folder, CA_FILE)).mtimeMs).toBe(before.mtimeMs)
    expect(readdirSync(folder).sort()).toEqual([BROWSER_POLICY_FILE, CA_BUNDLE_FILE, CA_FILE].sort())
  })

  it('are put back when they are gone, and follow another certificate', () => {
    rmSync(join(folder, CA_FILE))
    trust.write(folder, CA)
    expect(read(CA_FILE)).toBe(`${CA}\n`)
    const other = rootCertificates[1]?.trimEnd() ?? ''
    trust.write(folder, other)
    expect(read(CA_FILE)).toBe(`${other}\n`)
    expect(read(CA_BUNDLE_FILE).endsWith(`${other}\n`)).toBe(true)
  })

  it('that cannot be written are an error that says what to do', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => trust.write(join(folder, 'file', 'run'), CA)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('writable') }),
    )
  })
})
