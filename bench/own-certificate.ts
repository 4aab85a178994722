import { generateKeyPairSync } from 'node:crypto'
import { caCertificate, leafCertificate } from '../src/adapters/gateway/proxy/certificates.ts'

const NAME = 'Creel bench'
const DAY_MS = 86_400_000

/** A key with a certificate for this host, of an authority that nobody else knows; all as PEM. */
export async function ownCertificate(host: string): Promise<{ ca: string; key: string; cert: string }> {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = Date.now()
  const lifetime = { from: new Date(now - DAY_MS), to: new Date(now + DAY_MS) }
  const [keys, leaf] = [pair(), pair()]
  const cert = await leafCertificate(host, leaf.publicKey, { name: NAME, keys }, lifetime)
  return {
    ca: await caCertificate(NAME, keys, lifetime),
    key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert,
  }
}
