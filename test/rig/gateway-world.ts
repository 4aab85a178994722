import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createSecureContext } from 'node:tls'
import { CertificateAuthority } from '../../src/adapters/gateway/proxy/certificate-authority.ts'
import { type Address, HostLookup } from '../../src/adapters/gateway/proxy/host-lookup.ts'
import type { ProxyLimits } from '../../src/adapters/gateway/proxy/proxy-limits.ts'
import type { ToolPorts } from '../../src/adapters/gateway/proxy/tool-context.ts'
import { SocketGateway } from '../../src/adapters/gateway/socket-gateway.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { ModelCredential } from '../../src/domain/ports/gateway.ts'
import { Paths } from '../../src/paths.ts'
import { FakeEgressAudit, FakeEgressPolicy, FakeInjections } from '../fakes/fake-egress.ts'

export const ALPHA = 'alpha' as GroupName
export const BETA = 'beta' as GroupName
export const ALPHA_KEY = 'sk-real-key-0123456789'
export const BETA_KEY = 'sk-of-beta-9876543210'

const WALL_CLOCK = { now: () => Date.now() as UnixMs }

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
  readonly group?: GroupName
}

export interface ToolChoices {
  /** Authority of servers that tools may reach. */
  readonly trust?: string
  /** Other times and rates than the usual. */
  readonly pace?: Partial<ProxyLimits>
  /** Folders of real sandboxes, in place of folders of its own. */
  readonly paths?: Paths
  /** In place of the fakes. */
  readonly real?: Pick<ToolPorts, 'policy' | 'audit' | 'secrets' | 'clock'>
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void

/** A gateway with the sockets of two groups, before a model service that does what the test says. */
export class GatewayWorld implements AsyncDisposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'creel-gw-'))
  readonly paths: Paths
  /** What would have been logged, a line each. */
  readonly reports: string[] = []
  readonly answers: string[] = []
  /** Requests that reached the service. */
  reached = 0
  keys: Record<string, string | null> = { [ALPHA]: ALPHA_KEY, [BETA]: BETA_KEY }
  /** Credentials that the service did not know. */
  readonly keysRefused: string[] = []
  /** Logins take the place of keys. */
  logins: Record<string, ModelCredential> = {}
  /** Thrown in place of any credential. */
  fault: Error | null = null
  serve: Serve = (_, response) => response.end('ok')
  /** Where tools may go, what goes along, and what was noted of it. */
  readonly policy = new FakeEgressPolicy()
  readonly injections = new FakeInjections()
  readonly audit = new FakeEgressAudit()
  /** What names resolve to; unknown ones to nothing. */
  readonly names = new Map<string, readonly Address[]>()
  /** Names that were looked up. */
  readonly lookedUp: string[] = []
  limits = { connections: 8, bytesPerRequest: 64 << 20 }
  readonly authority: CertificateAuthority
  readonly #upstream: Server
  #gateway: SocketGateway | undefined

  private constructor(paths: Paths | undefined) {
    this.paths = paths ?? new Paths(join(this.#root, 'd'), join(this.#root, 'g'))
    this.authority = new CertificateAuthority({ files: this.paths.gatewayAuthority, clock: WALL_CLOCK })
    this.#upstream = createServer((request, response) => {
      this.reached++
      this.serve(request, response)
    })
  }

  static async make(tools: ToolChoices = {}): Promise<GatewayWorld> {
    const world = new GatewayWorld(tools.paths)
    await world.startService(0)
    const baseUrl = `http://127.0.0.1:${world.port}/base/`
    world.#gateway = new SocketGateway({
      paths: world.paths,
      services: { anthropic: { baseUrl }, openai: { baseUrl }, chatgpt: { baseUrl: `${baseUrl}chatgpt` } },
      credentials: {
        forModel: async (group) => world.#credential(group),
        refused: (group, api) => void world.keysRefused.push(`${group} ${api}`),
      },
      reports: {
        refused: (group, asked, reason) =>
          world.reports.push(`refused ${group} ${asked.method} ${asked.path}: ${reason}`),
        upstreamFailed: (group, api, reason) => world.reports.push(`failed ${group} ${api}: ${reason}`),
        answered: (group, api, { status }) => world.answers.push(`${group} ${api}: ${status}`),
      },
      tools: {
        policy: world.policy,
        audit: world.audit,
        secrets: world.injections,
        authority: world.authority,
        lookup: new HostLookup(async (host) => {
          world.lookedUp.push(host)
          return world.names.get(host) ?? []
        }),
        clock: WALL_CLOCK,
        ...tools.real,
        limits: () => world.limits,
        ...(tools.pace ? { pace: tools.pace } : {}),
        trust: tools.trust === undefined ? null : createSecureContext({ ca: tools.trust }),
        loopMark: 'this-gateway',
      },
    })
    await world.#gateway.open(ALPHA)
    await world.#gateway.open(BETA)
    return world
  }

  #credential(group: GroupName): ModelCredential | null {
    if (this.fault) throw this.fault
    const login = this.logins[group]
    if (login) return login
    const key = this.keys[group] ?? null
    return key === null ? null : { kind: 'key', key }
  }

  get gateway(): SocketGateway {
    if (!this.#gateway) throw new Error('no gateway')
    return this.#gateway
  }

  /** The service's port. */
  get port(): number {
    const address = this.#upstream.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  }

  async startService(port: number): Promise<void> {
    this.#upstream.listen(port, '127.0.0.1')
    await once(this.#upstream, 'listening')
  }

  async stopService(): Promise<void> {
    this.#upstream.closeAllConnections()
    if (this.#upstream.listening) await new Promise((resolve) => this.#upstream.close(resolve))
  }

  /** One request from inside a sandbox. */
  send(asked: Asked = {}) {
    const {
      method = 'POST',
      path = '/anthropic/v1/messages',
      headers = {},
      body = '{}',
      group = ALPHA,
    } = asked
    const sent = request({ socketPath: this.paths.gateway(group), method, path, headers, agent: false })
    sent.end(method === 'POST' ? body : undefined)
    return sent
  }

  /** Its answer as soon as the head is there. */
  async answer(asked: Asked = {}): Promise<IncomingMessage> {
    const [answer] = (await once(this.send(asked), 'response')) as [IncomingMessage]
    return answer
  }

  async ask(asked: Asked = {}) {
    const answer = await this.answer(asked)
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
  }

  /** Bytes on the bare socket, and all that came back until it was closed. */
  async raw(bytes: string): Promise<string> {
    const socket = connect({ path: this.paths.gateway(ALPHA) })
    socket.end(bytes)
    return text(socket)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway?.close()
    await this.stopService()
    rmSync(this.#root, { recursive: true })
  }
}
