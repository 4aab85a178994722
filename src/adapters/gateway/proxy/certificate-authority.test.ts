import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type SecureContext, TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { UnixMs } from '../../../domain/ids.ts'
import { CertificateAuthority } from './certificate-authority.ts'

const DAY_MS = 86_400_000
let folder: string
let now: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-ca-'))
  now = Date.now()
})
afterEach(() => rmSync(folder, { recursive: true }))

const files = () => ({ key: join(folder, 'own', 'ca.key'), certificate: join(folder, 'own', 'ca.pem') })
const authority = () => new CertificateAuthority({ files: files(), clock: { now: () => now as UnixMs } })

/** Connects as `host` and checks as any client does; the certificate that was shown, or why it is not taken. */
async function handshake(context: SecureContext, ca: string, host: string) {
  const server = createServer((raw) => {
    const opened = new TLSSocket(raw, { isServer: true, secureContext: context })
    opened.on('error', () => raw.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const isAddress = /^[\d.]+$|:/.test(host)
  const socket = connect({
    ...{ port, host: '127.0.0.1', ca },
    ...(isAddress ? {} : { servername: host }),
    checkServerIdentity: (_, certificate) => {
      const shown = new X509Certificate(certificate.raw)
      const fits = isAddress ? shown.checkIP(host) : shown.checkHost(host)
      return fits === undefined ? new Error('another host') : undefined
    },
  })
  try {
    await once(socket, 'secureConnect')
    return new X509Certificate(socket.getPeerCertificate().raw)
  } finally {
    socket.destroy()
    server.close()
  }
}

describe("the gateway's own certificate", () => {
  it('is made once, its key for the host alone, and stays the same for later hosts', async () => {
    const first = await authority().certificate()
    expect(first).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----\n$/)
    expect(lstatSync(files().key).mode & 0o777).toBe(0o600)
    expect(lstatSync(join(folder, 'own')).mode & 0o777).toBe(0o700)
    expect(readFileSync(files().certificate, 'utf8')).toBe(first)
    expect(await authority().certificate()).toBe(first)
    const parsed = new X509Certificate(first)
    expect(parsed.ca).toBe(true)
    expect(parsed.verify(parsed.publicKey)).toBe(true)
  })

  it('is made anew ahead of its end, and when a kill left a key of another', async () => {
    const first = await authority().certificate()
    now += 3_600 * DAY_MS
    const second = await authority().certificate()
    expect(second).not.toBe(first)
    writeFileSync(files().certificate, first)
    now = Date.now()
    expect(await authority().certificate()).not.toBe(first)
  })

  it('that cannot be read is an error that says what to do, and is tried again', async () => {
    const one = authority()
    await one.certificate()
    const good = readFileSync(files().key)
    writeFileSync(files().key, 'nonsense')
    const other = authority()
    await expect(other.contextFor('a.example')).rejects.toMatchObject({
      hint: expect.stringContaining('remove'),
    })
    writeFileSync(files().key, good)
    await expect(other.contextFor('a.example')).resolves.toBeDefined()
  })
})

describe('a leaf', () => {
  it.each([
    'example.com',
    'a-b.c_d.example',
    '127.0.0.1',
    '2001:db8::7',
    `${'a'.repeat(60)}.${'b'.repeat(60)}.example`,
  ])('for %s is taken by a client that trusts the authority, and by no other name', async (host) => {
    const one = authority()
    const shown = await handshake(await one.contextFor(host), await one.certificate(), host)
    expect(shown.ca).toBe(false)
    expect(shown.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(shown.checkIssued(new X509Certificate(await one.certificate()))).toBe(true)
    expect(shown.checkHost('other.example')).toBeUndefined()
    await expect(
      handshake(await one.contextFor('other.example'), await one.certificate(), host),
    ).rejects.toThrow('another host')
  })

  it('is signed once for all who ask at once, and again when half of its life is over', async () => {
    const one = authority()
    const [first, second] = await Promise.all([one.contextFor('a.example'), one.contextFor('a.example')])
    expect(second).toBe(first)
    now += 6 * DAY_MS
    expect(await one.contextFor('a.example')).toBe(first)
    now += 2 * DAY_MS
    expect(await one.contextFor('a.example')).not.toBe(first)
  })

  it('is forgotten when many others were used since', async () => {
    const one = authority()
    const first = await one.contextFor('first.example')
    for (let n = 0; n < 300; n++) await one.contextFor(`n${n}.example`)
    expect(await one.contextFor('n299.example')).toBe(await one.contextFor('n299.example'))
    expect(await one.contextFor('first.example')).not.toBe(first)
  })
})
