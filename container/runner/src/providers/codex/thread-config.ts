import type { RunnerSettings } from '@creel/protocol'
import { RpcError } from '../../json-rpc/connection.ts'

/** Settings as in config.toml, for one thread alone; they stay as long as it is loaded. */
export interface ThreadConfig {
  readonly mcp_servers: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>
}

const START_SECONDS = 30
/** How app-server says that it opens no thread because of tool servers; their names and what is wrong follow. */
const BROKEN = 'required MCP servers failed to initialize: '

/** What holds for every tool server. */
export function serverLimits(settings: RunnerSettings) {
  return {
    // Otherwise a first turn goes out without the tools of a server that is still starting.
    required: true,
    startup_timeout_sec: START_SECONDS,
    tool_timeout_sec: Math.ceil(settings.turnTimeoutMs / 1_000),
  }
}

/** Tool servers that are for the session of one thread alone. */
export function threadConfig(
  servers: Readonly<Record<string, { readonly url: string }>>,
  settings: RunnerSettings,
): ThreadConfig {
  const limits = serverLimits(settings)
  const all = Object.entries(servers).map(([name, { url }]) => [name, { url, ...limits }] as const)
  return { mcp_servers: Object.fromEntries(all) }
}

/** The same without these, which are in config.toml. */
export function withoutServers(config: ThreadConfig, down: ReadonlySet<string>): ThreadConfig {
  const off = [...down].map((name) => [name, { enabled: false, required: false }] as const)
  return { mcp_servers: { ...config.mcp_servers, ...Object.fromEntries(off) } }
}

/** Which of these tool servers kept app-server from opening a thread; none when it was something else. */
export function brokenServers(
  error: unknown,
  names: readonly string[],
  down: ReadonlySet<string>,
): readonly string[] {
  if (!(error instanceof RpcError)) return []
  const at = error.message.indexOf(BROKEN)
  if (at < 0) return []
  const said = ` ${error.message.slice(at + BROKEN.length)}`
  return names.filter((name) => !down.has(name) && new RegExp(`[\\s,;]${name}: `).test(said))
}
