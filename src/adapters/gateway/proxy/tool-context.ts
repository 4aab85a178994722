import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import type { GroupName } from '../../../domain/ids.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import type {
  EgressAudit,
  EgressPolicy,
  EgressTarget,
  InjectionSource,
  TargetVerdict,
} from '../../../domain/ports/egress.ts'
import type { CertificateAuthority } from './certificate-authority.ts'
import type { Ending } from './ending.ts'
import { GroupShare } from './group-share.ts'
import type { HostLookup } from './host-lookup.ts'
import { type Passage, Passages } from './passage.ts'
import { type GroupLimits, PROXY_LIMITS, type ProxyLimits } from './proxy-limits.ts'
import { Route } from './route.ts'
import { Stop } from './stop.ts'

export interface ToolPorts {
  readonly policy: EgressPolicy
  readonly audit: EgressAudit
  readonly secrets: InjectionSource
  readonly authority: Pick<CertificateAuthority, 'contextFor'>
  readonly lookup: Pick<HostLookup, 'addresses'>
  readonly clock: Pick<Clock, 'now'>
  /** Asked for each connection and request; throws CreelError when they cannot be read. */
  readonly limits: (group: GroupName) => GroupLimits
  /** In place of the usual times and rates. */
  readonly pace?: Partial<ProxyLimits>
  /** In place of the usual authorities of servers. */
  readonly trust: SecureContext | null
  /** A word of this process, by which it knows a request that it sent itself. */
  readonly loopMark: string
}

/** What was asked for, as far as it could be read. */
export interface Asked {
  readonly target: EgressTarget | null
  readonly method: string
  /** May have a query, which is not noted. */
  readonly path: string
}

type Allowed = Extract<TargetVerdict, { allowed: true }>

const NOTED_PATH = 512

/** What connections and requests of one group share. */
export class ToolContext {
  readonly group: GroupName
  readonly ports: ToolPorts
  readonly share: GroupShare
  /** Connections whose requests are read here, and where they go. */
  readonly opened = new WeakMap<Duplex, Route>()
  readonly #usual: ProxyLimits
  readonly #passages: Passages

  constructor(group: GroupName, ports: ToolPorts) {
    this.group = group
    this.ports = ports
    this.#usual = { ...PROXY_LIMITS, ...ports.pace }
    this.share = new GroupShare(this.#usual)
    this.#passages = new Passages(this.#usual.countMs)
  }

  /** Takes over what the settings say now. Throws CreelError. */
  readLimits(): void {
    const { connections, bytesPerRequest } = this.ports.limits(this.group)
    this.share.limits = { ...this.#usual, connections, bytesPerRequest }
  }

  /** What may be done with a connection there. Throws Stop when nothing may. */
  async allowed(target: EgressTarget): Promise<Allowed> {
    const verdict = await this.ports.policy.connection(this.group, target)
    if (!verdict.allowed) throw new Stop('denied', 403, verdict.reason, verdict)
    return verdict
  }

  /** Looks the name up and checks what comes of it. Throws Stop. */
  async route(target: EgressTarget, secure: boolean, mayBePrivate: boolean): Promise<Route> {
    const { lookup, trust } = this.ports
    const { lookupMs: ms, connectMs } = this.share.limits
    const addresses = await lookup.addresses(this.group, target.host, { mayBePrivate, ms })
    return new Route({ target, secure, addresses, mayBePrivate, connectMs, trust })
  }

  /** Counts its bytes while it is under way; `note` ends that. `from`: when it began, in steady milliseconds. */
  underWay({ target, method, path }: Asked, from: number): Passage {
    return this.#passages.begin((part, isFirst) =>
      this.ports.audit.passed({ ...this.#facts({ target, method, path }, from), ...part, isFirst }),
    )
  }

  /** `passage`: what `underWay` gave for it. */
  note(asked: Asked, from: number, ending: Ending, passage?: Passage): void {
    if (passage) this.#passages.end(passage)
    const told = passage?.told ? { told: passage.told } : {}
    this.ports.audit.note({ ...this.#facts(asked, from), ...ending, ...told })
  }

  #facts({ target, method, path }: Asked, from: number) {
    return {
      group: this.group,
      at: this.ports.clock.now(),
      host: target?.host ?? '',
      port: target?.port ?? 0,
      method,
      path: (path.split('?')[0] ?? '').slice(0, NOTED_PATH),
      ms: Math.round(performance.now() - from),
    }
  }

  noteStop(asked: Asked, from: number, stop: Stop): void {
    const { outcome, message, detail } = stop
    const reason = detail === null ? message : `${message}: ${detail}`
    this.note(asked, from, { outcome, status: stop.status, reason, bytesOut: 0, bytesIn: 0 })
  }
}
