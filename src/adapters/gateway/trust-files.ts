import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { BROWSER_POLICY_FILE, CA_BUNDLE_FILE, CA_FILE } from '@creel/protocol'
import { CreelError } from '../../domain/errors.ts'

type Files = Readonly<Record<string, string>>

/**
 * What makes a sandbox's clients trust the gateway, in the folder that it sees read-only: our certificate, the same below
 * everything that this host trusts, and a policy for browsers. Nothing of it is secret.
 */
export class TrustFiles {
  #made: { readonly ca: string; readonly files: Files } | undefined
  /** Folders in which they were seen to be right. */
  readonly #done = new Set<string>()

  /** Puts them into a folder. Files that are as they should be are left alone, others replaced whole. Throws CreelError. */
  write(folder: string, caPem: string): void {
    const files = this.#filesOf(withNewline(caPem))
    const paths = Object.keys(files).map((name) => join(folder, name))
    if (this.#done.has(folder) && paths.every((path) => existsSync(path))) return
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 })
      for (const [name, text] of Object.entries(files)) replace(join(folder, name), text)
    } catch (error) {
      throw new CreelError('unavailable', `cannot write the gateway's certificate into ${folder}`, {
        hint: 'the data directory must be writable for the account that runs creel',
        cause: error,
      })
    }
    this.#done.add(folder)
  }

  #filesOf(ca: string): Files {
    if (this.#made?.ca !== ca) {
      const bundle = [...hostTrust(), ca].map(withNewline).join('')
      const files = { [CA_FILE]: ca, [CA_BUNDLE_FILE]: bundle, [BROWSER_POLICY_FILE]: browserPolicy(ca) }
      this.#made = { ca, files }
      this.#done.clear()
    }
    return this.#made.files
  }
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

/** A running sandbox reads the old or the new one. Not synced: it is made again at the next start. */
function replace(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  const next = `${path}.new`
  writeFileSync(next, text)
  // The sandbox has another uid.
  chmodSync(next, 0o644)
  renameSync(next, path)
}
