import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export interface Lifetime {
  readonly from: Date
  readonly to: Date
}

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const COMMON_NAME = '2.5.4.3'
const MAX_COMMON_NAME = 64

const signAsync = promisify(sign)

/** A certificate, PEM with a line end, that signs others of one level below itself. `keys`: EC, P-256. */
export function caCertificate(name: string, keys: KeyPair, lifetime: Lifetime): Promise<string> {
  const subject = nameOf(name)
  return certificate({ subject, issuer: subject, key: keys.publicKey, signer: keys, lifetime }, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
  ])
}

/**
 * A server's certificate for one host (a name or an address), signed by the authority of this name and key. Signs in
 * the thread pool; the caller's thread is busy for well under a millisecond.
 */
export function leafCertificate(
  host: string,
  key: KeyObject,
  authority: { readonly name: string; readonly keys: KeyPair },
  lifetime: Lifetime,
): Promise<string> {
  const alternative = isIP(host) ? new GeneralName({ iPAddress: host }) : new GeneralName({ dNSName: host })
  const subject = nameOf(host.length <= MAX_COMMON_NAME ? host : 'a host with a long name')
  const parts = { subject, issuer: nameOf(authority.name), key, signer: authority.keys, lifetime }
  return certificate(parts, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(id_ce_subjectAltName, new SubjectAlternativeName([alternative])),
  ])
}

interface CertificateParts {
  readonly subject: Name
  readonly issuer: Name
  readonly key: KeyObject
  readonly signer: KeyPair
  readonly lifetime: Lifetime
}

async function certificate(parts: CertificateParts, own: readonly Extension[]): Promise<string> {
  const { subject, issuer, key, signer, lifetime } = parts
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 })
  const signerId = new KeyIdentifier(keyId(signer.publicKey))
  const content = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer,
    validity: new Validity({ notBefore: lifetime.from, notAfter: lifetime.to }),
    subject,
    subjectPublicKeyInfo: publicKeyInfo(key),
    extensions: new Extensions([
      ...own,
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId(key))),
      // Strict checkers (Python from 3.13 on) want both.
      extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({ keyIdentifier: signerId })),
    ]),
  })
  const signature = await signAsync('sha256', Buffer.from(AsnConvert.serialize(content)), {
    key: signer.privateKey,
    dsaEncoding: 'der',
  })
  const whole = new Certificate({
    tbsCertificate: content,
    signatureAlgorithm: algorithm,
    signatureValue: asBuffer(signature),
  })
  return pem(Buffer.from(AsnConvert.serialize(whole)))
}

function nameOf(text: string): Name {
  const value = new AttributeValue({ utf8String: text })
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])])
}

function extension(id: string, value: object, critical = false): Extension {
  return new Extension({ extnID: id, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

/** Positive and without a leading zero byte, as DER wants it. */
function serialNumber(): ArrayBuffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return asBuffer(bytes)
}

function publicKeyInfo(key: KeyObject): SubjectPublicKeyInfo {
  return AsnConvert.parse(asBuffer(key.export({ type: 'spki', format: 'der' })), SubjectPublicKeyInfo)
}

function keyId(key: KeyObject): ArrayBuffer {
  const { subjectPublicKey } = publicKeyInfo(key)
  return asBuffer(createHash('sha1').update(Buffer.from(subjectPublicKey)).digest())
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** A copy of its own: small buffers share a pool. */
function asBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
