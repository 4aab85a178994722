import type { ProxyLimits } from '../../src/adapters/gateway/proxy/proxy-limits.ts'
import type { Paths } from '../../src/paths.ts'
import { ALPHA, GatewayWorld } from './gateway-world.ts'
import { ProxyClient } from './proxy-client.ts'
import { TestAuthority, TlsSite } from './tls-site.ts'

/** Has the site's certificate; both names are at the loopback, which a rule must allow. */
export const HOST = 'api.example'
export const OTHER = 'other.example'

/** A gateway, a site behind it, and a client in the sandbox of the group `alpha`. */
export class ToolWorld implements AsyncDisposable {
  readonly gateway: GatewayWorld
  readonly site: TlsSite
  readonly client: ProxyClient
  /** What sandboxes trust, and what the site's certificate is signed with. */
  readonly ca: string
  readonly siteCa: string
  /** `api.example:PORT`. */
  readonly at: string

  private constructor(gateway: GatewayWorld, site: TlsSite, ca: string, siteCa: string) {
    this.gateway = gateway
    this.site = site
    this.client = new ProxyClient(gateway.paths.gateway(ALPHA))
    this.ca = ca
    this.siteCa = siteCa
    this.at = `${HOST}:${site.port}`
  }

  /** `paths`: folders of real sandboxes that are to have this gateway. */
  static async make(pace: Partial<ProxyLimits> = {}, paths?: Paths): Promise<ToolWorld> {
    const authority = new TestAuthority()
    const siteCa = await authority.pem
    const site = await TlsSite.make(authority, [HOST])
    const usual = { handshakeMs: 1_000, connectMs: 2_000 }
    const choices = { trust: siteCa, pace: { ...usual, ...pace } }
    const gateway = await GatewayWorld.make(paths ? { ...choices, paths } : choices)
    for (const name of [HOST, OTHER]) gateway.names.set(name, [{ address: '127.0.0.1', family: 4 }])
    return new ToolWorld(gateway, site, await gateway.authority.certificate(), siteCa)
  }

  get policy() {
    return this.gateway.policy
  }

  /** What was noted, a line each. */
  get lines(): string[] {
    return this.gateway.audit.lines
  }

  /** A TLS connection that the gateway opened. */
  opened() {
    return this.client.tls(this.at, { ca: this.ca })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]()
    await this.site[Symbol.asyncDispose]()
  }
}
