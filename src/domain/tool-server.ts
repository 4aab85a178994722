import type { McpServer } from '@creel/protocol'
import { isAddress, isLocalName } from './egress-host.ts'
import { type EgressRule, parseEgressRule } from './egress-rules.ts'
import type { GroupName, UnixMs } from './ids.ts'
import { isPublicAddress } from './ip-address.ts'

/** Tool servers that a group may have beside those of its container.json. */
export const MAX_ADDED_SERVERS = 10

/** A tool server that an agent asked for and a person allowed. */
export interface AddedToolServer {
  readonly group: GroupName
  readonly name: string
  readonly server: McpServer
  /** The ask that it comes from. */
  readonly approvalId: number
  /** Who allowed it. */
  readonly by: string
  readonly at: UnixMs
}

/** A settings object that names tool servers, such as a container.json. */
interface WithServers {
  readonly mcpServers: Readonly<Record<string, McpServer>>
}

/** Whether two names are one for some runtime: they differ in case, or in what a tool's name cannot hold. */
export function isSameServer(a: string, b: string): boolean {
  return folded(a) === folded(b)
}

function folded(name: string): string {
  return name.toLowerCase().replaceAll('-', '_')
}

/** The settings with what was added; a server of container.json comes before an added one of its name. */
export function withToolServers<Settings extends WithServers>(
  settings: Settings,
  added: readonly Pick<AddedToolServer, 'name' | 'server'>[],
): Omit<Settings, 'mcpServers'> & WithServers {
  const own = Object.keys(settings.mcpServers)
  const more = added.filter(({ name }) => !own.some((known) => isSameServer(known, name)))
  if (more.length === 0) return settings
  const servers = more.map(({ name, server }) => [name, server] as const)
  return { ...settings, mcpServers: { ...Object.fromEntries(servers), ...settings.mcpServers } }
}

/** What a sandbox must be let reach for a server behind an address; null for an address that no rule can name. */
export function addressRule(address: string): EgressRule | null {
  const url = URL.parse(address)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const isPrivate = isAddress(host) ? !isPublicAddress(host) : isLocalName(host)
  const rule = parseEgressRule({ host, ports: [port], private: isPrivate })
  return 'length' in rule || rule.host.includes('*') ? null : rule
}

/** What the added servers of a group need of the network; allowed with them, and over with them. */
export function serverRules(added: readonly Pick<AddedToolServer, 'server'>[]): readonly EgressRule[] {
  return added.flatMap(({ server }) => ('url' in server ? (addressRule(server.url) ?? []) : []))
}
