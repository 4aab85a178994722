import type { GroupName } from '../../src/domain/ids.ts'
import type { Injection, OutgoingRequest } from '../../src/domain/injection.ts'
import type {
  EgressAudit,
  EgressEntry,
  EgressPart,
  EgressPolicy,
  EgressRequest,
  EgressTarget,
  InjectionSource,
  RequestVerdict,
  TargetVerdict,
} from '../../src/domain/ports/egress.ts'

type Allowed = Extract<TargetVerdict, { allowed: true }>

/** Denies everything that was not allowed to the letter; `failing` makes each question throw. */
export class FakeEgressPolicy implements EgressPolicy {
  failing: Error | null = null
  /** Every question, in order: `alpha example.com:443`, `alpha GET example.com:443/path`. */
  readonly asked: string[] = []
  readonly #targets = new Map<string, Allowed>()
  readonly #refused: { readonly target: string; readonly what: RegExp; readonly reason: string }[] = []

  allow(group: GroupName, authority: string, verdict: Partial<Allowed> = {}): void {
    this.#targets.set(`${group} ${authority}`, {
      allowed: true,
      how: 'open',
      mayBePrivate: false,
      ...verdict,
    })
  }

  forbid(group: GroupName, authority: string): void {
    this.#targets.delete(`${group} ${authority}`)
  }

  /** Requests there whose `METHOD /path` is of this form. */
  refuse(group: GroupName, authority: string, what: RegExp, reason: string): void {
    this.#refused.push({ target: `${group} ${authority}`, what, reason })
  }

  async connection(group: GroupName, target: EgressTarget): Promise<TargetVerdict> {
    const key = keyOf(group, target)
    this.asked.push(key)
    if (this.failing) throw this.failing
    return (
      this.#targets.get(key) ?? {
        allowed: false,
        canAsk: true,
        reason: `no rule allows ${target.host}:${target.port}`,
      }
    )
  }

  async request(group: GroupName, request: EgressRequest): Promise<RequestVerdict> {
    const key = keyOf(group, request)
    this.asked.push(`${group} ${request.method} ${request.host}:${request.port}${request.path}`)
    if (this.failing) throw this.failing
    if (request.path.includes('?')) throw new Error('the policy is not to be told of a query')
    const what = `${request.method} ${request.path}`
    const refused = this.#refused.find((known) => known.target === key && known.what.test(what))
    if (refused) return { allowed: false, canAsk: true, reason: refused.reason }
    return this.#targets.has(key)
      ? { allowed: true }
      : { allowed: false, canAsk: true, reason: 'no rule allows this' }
  }
}

/** Keeps what was noted, and throws in a test when an entry has what none may have. */
export class FakeEgressAudit implements EgressAudit {
  readonly entries: EgressEntry[] = []
  /** Of what was still under way. */
  readonly parts: EgressPart[] = []

  passed(part: EgressPart): void {
    if (part.bytesOut + part.bytesIn <= 0) throw new Error('nothing passed')
    this.parts.push(part)
  }

  note(entry: EgressEntry): void {
    if (entry.path.includes('?')) throw new Error(`a query was noted: ${entry.path}`)
    if (entry.outcome !== 'allowed' && entry.reason === null) throw new Error('no reason was noted')
    this.entries.push(entry)
  }

  /** One line each: `alpha denied CONNECT example.com:443 403 reason`. */
  get lines(): string[] {
    return this.entries.map(({ group, outcome, method, host, port, path, status, reason }) =>
      `${group} ${outcome} ${method} ${host}:${port}${path} ${status} ${reason ?? ''}`.trim(),
    )
  }
}

/** Injects what it was told, for the group and host it was told, over TLS alone. */
export class FakeInjections implements InjectionSource {
  failing: Error | null = null
  readonly #known = new Map<string, Injection>()

  set(group: GroupName, authority: string, injection: Partial<Injection>): void {
    this.#known.set(`${group} ${authority}`, { headers: {}, query: {}, secrets: [], ...injection })
  }

  async forRequest(group: GroupName, request: OutgoingRequest): Promise<Injection | null> {
    if (this.failing) throw this.failing
    return request.secure ? (this.#known.get(keyOf(group, request)) ?? null) : null
  }
}

function keyOf(group: GroupName, { host, port }: EgressTarget): string {
  return `${group} ${host}:${port}`
}
