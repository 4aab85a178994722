import type { Groups } from '../config/groups.ts'
import type { GroupConfig } from '../config/schema.ts'
import { canonicalHost } from '../domain/egress-host.ts'
import { allows, covers, denies, type EgressRule, isLimited, ruleText } from '../domain/egress-rules.ts'
import type { GroupName } from '../domain/ids.ts'
import { coversHost, covers as secretCovers } from '../domain/injection.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  EgressDenial,
  EgressPolicy,
  EgressRequest,
  EgressTarget,
  RequestVerdict,
  TargetVerdict,
} from '../domain/ports/egress.ts'
import type { EgressRules, OwnerRule } from '../domain/ports/egress-rules.ts'
import type { ToolServerStore } from '../domain/ports/tool-servers.ts'
import type { Vault } from '../domain/ports/vault.ts'
import { serverRules } from '../domain/tool-server.ts'
import { findSecret } from '../domain/vault-edits.ts'
import type { EgressBudget } from './egress-budget.ts'

export interface EgressPolicyPorts {
  readonly groups: Pick<Groups, 'load'>
  readonly rules: Pick<EgressRules, 'inForce' | 'used'>
  readonly toolServers: Pick<ToolServerStore, 'of'>
  readonly vault: Pick<Vault, 'read'>
  readonly budget: Pick<EgressBudget, 'take'>
  readonly clock: Pick<Clock, 'now'>
}

/** A rule that lets pass, and the owner's rule for once that it is, if it is one. */
interface Permission {
  readonly rule: EgressRule
  readonly once: number | null
}

/** Hosts of a secret that the group may use. */
interface SecretPlace {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
}

interface Basis {
  readonly config: GroupConfig
  readonly denied: readonly OwnerRule[]
  readonly permissions: readonly Permission[]
  readonly secrets: readonly SecretPlace[]
}

/**
 * Decides from the group's container.json, the owner's rules and the vault. A rule that denies comes before all. The
 * hosts of a secret that the group's `secrets` names need no rule: who gives an agent a key means it to be used there; nor
 * does the host of a tool server that was allowed.
 */
export class GroupEgressPolicy implements EgressPolicy {
  readonly #ports: EgressPolicyPorts

  constructor(ports: EgressPolicyPorts) {
    this.#ports = ports
  }

  async connection(group: GroupName, target: EgressTarget): Promise<TargetVerdict> {
    const basis = await this.#basis(group)
    const refusal = refused(basis, target)
    if (refusal !== null) return refusal
    const found = basis.permissions.filter(({ rule }) => covers(rule, target))
    const hasSecret = basis.secrets.some((secret) => coversHost(secret, target))
    if (found.length === 0 && !hasSecret) return denied(noRule(basis, target), true)
    const mayBePrivate = found.some(({ rule }) => rule.private)
    const unread = found.filter(({ rule }) => !isLimited(rule))
    if (hasSecret || unread.length === 0) return { allowed: true, how: 'open', mayBePrivate }
    const overdrawn = this.#take(group, basis, unread)
    return overdrawn ?? { allowed: true, how: 'tunnel', mayBePrivate }
  }

  async request(group: GroupName, request: EgressRequest): Promise<RequestVerdict> {
    const basis = await this.#basis(group)
    const refusal = refused(basis, request)
    if (refusal !== null) return refusal
    const found = basis.permissions.filter(({ rule }) => allows(rule, request))
    const bySecret = basis.secrets.some((secret) => secretCovers(secret, { ...request, secure: true }))
    if (found.length === 0 && !bySecret) return denied(noRule(basis, request), true)
    return this.#take(group, basis, bySecret ? [] : found) ?? { allowed: true }
  }

  /** Notes the use, of a rule for once only when nothing else would have let it pass. Null = within the budget. */
  #take(group: GroupName, { config }: Basis, found: readonly Permission[]): EgressDenial | null {
    const { budget, rules, clock } = this.#ports
    const now = clock.now()
    const overdrawn = budget.take(group, config, now)
    if (overdrawn !== null) return denied(overdrawn)
    const [first] = found
    if (first !== undefined && found.every(({ once }) => once !== null) && first.once !== null)
      rules.used(first.once, now)
    return null
  }

  async #basis(group: GroupName): Promise<Basis> {
    const { groups, rules, toolServers, vault, clock } = this.#ports
    const config = groups.load(group)
    const { egress, secrets: names = [] } = config
    const owner = rules.inForce(group, clock.now())
    // Without names nothing is asked of the vault: an agent that needs none goes on without it.
    const content = names.length === 0 ? null : await vault.read()
    return {
      config,
      denied: owner.filter(({ effect }) => effect === 'deny'),
      permissions: [
        ...[...egress, ...serverRules(toolServers.of(group))].map(
          (rule): Permission => ({ rule, once: null }),
        ),
        ...owner
          .filter(({ effect }) => effect === 'allow')
          .map(({ id, rule, once }): Permission => ({ rule, once: once ? id : null })),
      ],
      secrets: names.flatMap((name): SecretPlace[] => {
        const value = content === null ? undefined : findSecret(content, name)?.value
        return value !== undefined && 'hosts' in value ? [value] : []
      }),
    }
  }
}

/** What no rule can let pass: a name in a form that rules do not know, and what the owner denied. */
function refused({ denied: rules }: Basis, target: EgressTarget): EgressDenial | null {
  if (canonicalHost(target.host) !== target.host) return denied('this is neither a name nor an address')
  const rule = rules.find((known) => denies(known.rule, target))
  if (rule === undefined) return null
  return denied(`the owner denied ${ruleText(rule.rule)}`)
}

/** Says what came nearest, so that the agent can do it right. */
function noRule({ permissions, secrets }: Basis, target: EgressTarget | EgressRequest): string {
  const asked = `${'method' in target ? `${target.method} ` : ''}${target.host}:${target.port}`
  const here = permissions.filter(({ rule }) => covers(rule, target)).map(({ rule }) => ruleText(rule))
  const paths = secrets.filter((secret) => coversHost(secret, target)).flatMap((secret) => secret.paths)
  const near = [...here, ...paths.map((path) => `${target.host}${path}`)]
  if (near.length > 0)
    return `no rule allows ${asked} with this path; allowed there: ${near.slice(0, 5).join(', ')}`
  const ports = permissions
    .filter(({ rule }) => rule.ports.some((port) => covers(rule, { host: target.host, port })))
    .flatMap(({ rule }) => rule.ports)
  if (ports.length > 0)
    return `no rule allows ${asked}, only port ${[...new Set(ports)].slice(0, 5).join(', ')}`
  return `no rule allows ${asked}`
}

function denied(reason: string, canAsk = false): EgressDenial {
  return { allowed: false, reason, canAsk }
}
