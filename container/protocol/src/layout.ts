import { join } from 'node:path'

/** Names of the files that host and sandbox share. The same on both sides; only the parent folder differs. */
export const INBOX_FILE = 'inbox.db'
export const OUTBOX_FILE = 'outbox.db'
export const HEARTBEAT_FILE = 'heartbeat'
export const DOORBELL_FILE = 'bell.sock'
/** The gateway's socket, beside the doorbell; the only way out of a sandbox. */
export const GATEWAY_FILE = 'gw.sock'
export const SETTINGS_FILE = 'settings.json'
/** In the sandbox's home: where its `creel` command finds the tool server. */
export const SHELL_DOOR_FILE = '.creel/tools.json'
/** The certificate by which sandboxes know the gateway when it opens TLS, alone and below all that the host trusts. */
export const CA_FILE = 'ca.pem'
export const CA_BUNDLE_FILE = 'ca-bundle.pem'
/** The same for Chromium, which takes it from a policy; the image links to it. */
export const BROWSER_POLICY_FILE = 'browser-policy.json'

/** Where a sandbox finds its folders. These paths are part of the protocol. */
export const SANDBOX_PATHS = {
  /** Host-written inbox, read-only mount. */
  in: '/mail/in',
  /** Runner-written outbox, the only SQLite file a sandbox can touch. */
  out: '/mail/out',
  /** Unix sockets of the host, read-only mount (connecting needs no write permission on the mount). */
  run: '/run/creel',
  home: '/home/agent',
  workspace: '/workspace',
  memory: '/memory',
  /** The agent's skills, a folder each with a SKILL.md; read-only mount. */
  skills: '/skills',
} as const

export interface MailFolders {
  readonly in: string
  readonly out: string
}

/** The mail folders below a parent: `<parent>/in` and `<parent>/out`. */
export function mailFolders(parent: string): MailFolders {
  return { in: join(parent, 'in'), out: join(parent, 'out') }
}

/**
 * The doorbell: a stream socket on which either side writes this byte after a commit. It carries no data and
 * grants nothing; losing a ring costs latency, never mail.
 */
export const RING = '\n'

/** Where the runner offers the gateway on the sandbox's loopback, so that every client sees an ordinary base URL. */
export const GATEWAY_PORT = 3128

/** Base URL of a model API behind the gateway, `http://127.0.0.1:3128/anthropic`; a client adds its own version path. */
export function gatewayUrl(api: 'anthropic' | 'openai'): string {
  return `http://127.0.0.1:${GATEWAY_PORT}/${api}`
}
