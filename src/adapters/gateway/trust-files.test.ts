import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { BROWSER_POLICY_FILE, CA_BUNDLE_FILE, CA_FILE } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeTrustFiles } from './trust-files.ts'

/** Any certificate will do; without its last line end, as some tools write them. */
const CA = rootCertificates[0]?.trimEnd() ?? ''

describe('trust files', () => {
  let folder: string
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'creel-trust-'))
    writeTrustFiles(folder, CA)
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
      writeTrustFiles(folder, CA)
    } finally {
      process.umask(umask)
    }
    expect(statSync(join(folder, CA_BUNDLE_FILE)).mode & 0o777).toBe(0o644)
    expect(statSync(join(folder, CA_FILE)).mtimeMs).toBe(before.mtimeMs)
    expect(read(CA_BUNDLE_FILE)).toContain(CA)
    expect(readdirSync(folder).sort()).toEqual([BROWSER_POLICY_FILE, CA_BUNDLE_FILE, CA_FILE].sort())
  })
})
