import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { promisify } from 'node:util'
import { CreelError } from '../../../domain/errors.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import { replaceFile } from '../../../replace-file.ts'
import type { KeyPair } from './certificates.ts'

export const CA_NAME = 'Creel gateway of this install'

const DAY_MS = 86_400_000
const CA_DAYS = 3_650
/** A new one is made while sandboxes of the old one still have time to be started again. */
const CA_SPARE_DAYS = 60
const LEAF_DAYS = 14
/** Half of a leaf's life, so that one given out holds for as long as a connection can last. */
const RENEW_LEAF_MS = (LEAF_DAYS / 2) * DAY_MS
/** Clocks of sandboxes are the host's; a margin costs nothing. */
const MARGIN_MS = DAY_MS
const MAX_LEAVES = 256

const newKeyPair = promisify(generateKeyPair)

export interface CertificateAuthorityOptions {
  /** The key is of this install alone and only the host can read it; the certificate is public. */
  readonly files: { readonly key: string; readonly certificate: string }
  readonly clock: Pick<Clock, 'now'>
}

interface Authority {
  readonly name: string
  readonly keys: KeyPair
  readonly certificate: string
  /** One key for all leaves: making one for each would only cost time. */
  readonly leafKey: KeyObject
  readonly leafKeyPem: string
}

interface Leaf {
  readonly context: Promise<SecureContext>
  readonly madeAt: number
}

/**
 * Signs for the hosts whose TLS the gateway opens. Made at first use, kept in files: sandboxes that outlive the host
 * process trust its certificate. Leaves are kept in memory, the last used so many of them.
 */
export class CertificateAuthority {
  readonly #options: CertificateAuthorityOptions
  readonly #leaves = new Map<string, Leaf>()
  #authority: Promise<Authority> | undefined

  constructor(options: CertificateAuthorityOptions) {
    this.#options = options
  }

  /** The public certificate, PEM with a final line end. Throws CreelError when its files cannot be used. */
  async certificate(): Promise<string> {
    return (await this.#load()).certificate
  }

  /** What a connection is opened with as this host: a lower-case name or an address. Signed once for many callers. */
  contextFor(host: string): Promise<SecureContext> {
    const now = this.#options.clock.now()
    const known = this.#leaves.get(host)
    this.#leaves.delete(host)
    const leaf = known && now - known.madeAt < RENEW_LEAF_MS ? known : this.#makeLeaf(host, now)
    this.#leaves.set(host, leaf)
    for (const oldest of this.#leaves.keys()) {
      if (this.#leaves.size <= MAX_LEAVES) break
      this.#leaves.delete(oldest)
    }
    return leaf.context
  }

  #makeLeaf(host: string, now: number): Leaf {
    const context = this.#sign(host, now)
    context.catch(() => this.#leaves.delete(host))
    return { context, madeAt: now }
  }

  async #sign(host: string, now: number): Promise<SecureContext> {
    const authority = await this.#load()
    const lifetime = { from: new Date(now - MARGIN_MS), to: new Date(now + LEAF_DAYS * DAY_MS) }
    const { leafCertificate } = await import('./certificates.ts')
    const cert = await leafCertificate(host, authority.leafKey, authority, lifetime)
    return createSecureContext({
      cert,
      key: authority.leafKeyPem,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    })
  }

  #load(): Promise<Authority> {
    this.#authority ??= this.#readOrMake().catch((error: unknown) => {
      this.#authority = undefined
      throw error
    })
    return this.#authority
  }

  async #readOrMake(): Promise<Authority> {
    const { files } = this.#options
    try {
      const stored = this.#read() ?? (await this.#make())
      const leaf = await newKeyPair('ec', { namedCurve: 'P-256' })
      const leafKeyPem = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      return { name: CA_NAME, ...stored, leafKey: leaf.publicKey, leafKeyPem }
    } catch (error) {
      throw new CreelError(
        'unavailable',
        `cannot use the gateway's own certificate at ${files.certificate}`,
        {
          hint: `remove ${dirname(files.key)}; a new one is made, and sandboxes take it at their next start`,
          cause: error,
        },
      )
    }
  }

  /** Null when there is none that still holds. */
  #read(): Pick<Authority, 'keys' | 'certificate'> | null {
    const { files, clock } = this.#options
    if (!existsSync(files.key) || !existsSync(files.certificate)) return null
    const privateKey = createPrivateKey(readFileSync(files.key))
    const certificate = readFileSync(files.certificate, 'utf8')
    const parsed = new X509Certificate(certificate)
    const left = Date.parse(parsed.validTo) - clock.now()
    // A kill between the two files leaves a key without its certificate.
    if (left < CA_SPARE_DAYS * DAY_MS || !parsed.checkPrivateKey(privateKey)) return null
    return { keys: { privateKey, publicKey: createPublicKey(privateKey) }, certificate }
  }

  async #make(): Promise<Pick<Authority, 'keys' | 'certificate'>> {
    const { files, clock } = this.#options
    const now = clock.now()
    const keys = await newKeyPair('ec', { namedCurve: 'P-256' })
    const lifetime = { from: new Date(now - MARGIN_MS), to: new Date(now + CA_DAYS * DAY_MS) }
    const { caCertificate } = await import('./certificates.ts')
    const certificate = await caCertificate(CA_NAME, keys, lifetime)
    mkdirSync(dirname(files.key), { recursive: true, mode: 0o700 })
    replaceFile(files.key, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600)
    replaceFile(files.certificate, certificate, 0o644)
    return { keys, certificate }
  }
}
