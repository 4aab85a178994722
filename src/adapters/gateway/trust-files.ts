import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { BROWSER_POLICY_FILE, CA_BUNDLE_FILE, CA_FILE } from '@creel/protocol'

/**
 * Puts what makes a sandbox's clients trust the gateway into the folder that it sees read-only: our certificate, the same
 * below everything that this host trusts, and a policy for browsers. Nothing secret. Files that are as they should be
 * are left alone, others replaced at once: a running sandbox reads one or the other whole.
 */
export function writeTrustFiles(runDir: string, caPem: string): void {
  const ca = withNewline(caPem)
  const files = {
    [CA_FILE]: ca,
    [CA_BUNDLE_FILE]: [...hostTrust(), ca].map(withNewline).join(''),
    [BROWSER_POLICY_FILE]: browserPolicy(ca),
  }
  for (const [name, text] of Object.entries(files)) replace(join(runDir, name), text)
}

/**
 * What Node trusts here: Mozilla's list, and what NODE_EXTRA_CA_CERTS or --use-system-ca of this host add. A connection
 * that is tunnelled meets the same certificates as one of the host's own.
 */
function hostTrust(): readonly string[] {
  // Node 22.15 and newer have it.
  const { getCACertificates }: Partial<typeof tls> = tls
  return getCACertificates?.('default') ?? tls.rootCertificates
}

function browserPolicy(ca: string): string {
  const der = ca.replace(/-----[A-Z ]+-----|\s/g, '')
  // What a browser asks at home for by itself would be refused each time.
  const quiet = { BrowserNetworkTimeQueriesEnabled: false, ComponentUpdatesEnabled: false }
  return `${JSON.stringify({ CACertificates: [der], ...quiet })}\n`
}

/** Certificates one after the other in a file need their line ends. */
function withNewline(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`
}

function replace(path: string, text: string): void {
  if (currentText(path) === text) return
  const next = `${path}.new`
  writeFileSync(next, text)
  // The sandbox has another uid.
  chmodSync(next, 0o644)
  renameSync(next, path)
}

function currentText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
