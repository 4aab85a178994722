import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CA_BUNDLE_FILE, CA_FILE, type RunnerSettings } from '@creel/protocol'

/** Where the image says where wget finds its CAs: it takes them from no variable. */
const WGETRC = '/opt/creel/wgetrc'

/** What offers a tool server at an address as one that is started; see `tool-bridge/`. */
const BRIDGE = ['/usr/local/bin/node', '/opt/creel/tool-bridge.mjs'] as const

/**
 * Variables for everything that the agent starts, so that each client takes the gateway for an ordinary HTTPS proxy and
 * trusts what it signs. Not for the runner itself, which would start later with them. What is in the sandbox itself is
 * reached directly. Empty without a gateway; nothing here is secret.
 */
export function toolEnvironment(
  runDir: string,
  gatewayPort: number | null,
): Readonly<Record<string, string>> {
  if (gatewayPort === null) return {}
  const proxy = `http://127.0.0.1:${gatewayPort}`
  const direct = 'localhost,127.0.0.1,::1'
  return {
    // curl and others read the lower case, for http:// alone; some read only the upper.
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    NODE_USE_ENV_PROXY: '1',
    ...trust(runDir),
  }
}

/** Clients differ in the variable that they read, and in whether it adds to their own list or takes its place. */
function trust(runDir: string): Readonly<Record<string, string>> {
  const [ca, bundle] = [join(runDir, CA_FILE), join(runDir, CA_BUNDLE_FILE)]
  // A variable that names a file which is not there breaks clients that would work without.
  if (!existsSync(ca) || !existsSync(bundle)) return {}
  return {
    NODE_EXTRA_CA_CERTS: ca,
    DENO_CERT: ca,
    SSL_CERT_FILE: bundle,
    CURL_CA_BUNDLE: bundle,
    GIT_SSL_CAINFO: bundle,
    REQUESTS_CA_BUNDLE: bundle,
    PIP_CERT: bundle,
    CARGO_HTTP_CAINFO: bundle,
    AWS_CA_BUNDLE: bundle,
    WGETRC,
  }
}

/**
 * The settings with these variables for the tool servers that are started, too; their own come first. One at an address is
 * started as well, as a bridge to it.
 */
export function withToolEnvironment(
  settings: RunnerSettings,
  environment: Readonly<Record<string, string>>,
): RunnerSettings {
  const servers = Object.entries(settings.mcpServers).map(([name, server]) => [
    name,
    'command' in server
      ? { ...server, env: { ...environment, ...server.env } }
      : { command: BRIDGE[0], args: [BRIDGE[1], server.url], env: environment },
  ])
  return { ...settings, mcpServers: Object.fromEntries(servers) }
}
