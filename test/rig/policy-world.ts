import { SqliteEgressLog } from '../../src/adapters/sqlite/egress-log-store.ts'
import { SqliteEgressRules } from '../../src/adapters/sqlite/egress-rule-store.ts'
import { SqliteToolServers } from '../../src/adapters/sqlite/tool-server-store.ts'
import { GroupConfig } from '../../src/config/schema.ts'
import { denyRule, egressRule } from '../../src/domain/egress-rules.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import type { NewOwnerRule } from '../../src/domain/ports/egress-rules.ts'
import { putSecret } from '../../src/domain/vault-edits.ts'
import { EgressBudget } from '../../src/egress/egress-budget.ts'
import { GroupEgressPolicy } from '../../src/egress/egress-policy.ts'
import { FakeVault } from '../fakes/fake-vault.ts'
import { GARDEN, HostTables } from './host-tables.ts'

/** The policy of what may leave, on real tables. */
export class PolicyWorld extends HostTables {
  readonly rules = new SqliteEgressRules(this.db)
  readonly toolServers = new SqliteToolServers(this.db)
  readonly vault = new FakeVault()
  readonly configs = new Map<GroupName, object>()
  readonly budget = new EgressBudget(new SqliteEgressLog(this.db))
  readonly policy = new GroupEgressPolicy({
    groups: { load: (group) => GroupConfig.parse(this.configs.get(group) ?? {}) },
    ...{
      rules: this.rules,
      toolServers: this.toolServers,
      vault: this.vault,
      clock: this.clock,
      budget: this.budget,
    },
  })

  allow(raw: unknown, more: Partial<NewOwnerRule> = {}): number {
    const base = { group: GARDEN, effect: 'allow', once: false, by: 'x', expiresAt: null } as const
    return this.rules.add({ ...base, rule: egressRule(raw), ...more }, this.clock.now())
  }

  deny(text: string, more: Partial<NewOwnerRule> = {}): void {
    this.allow('x', { effect: 'deny', rule: denyRule(text), ...more })
  }

  async secret(name: string, hosts: string[], paths: string[] = []): Promise<void> {
    await this.vault.change(putSecret(name, { kind: 'bearer', token: 'T0KEN', hosts, paths }, 0))
  }

  /** `-`, or how it may connect; `+private` where it may end there. */
  async connection(host: string, port = 443, group = GARDEN): Promise<string> {
    const verdict = await this.policy.connection(group, { host, port })
    if (!verdict.allowed) return '-'
    return `${verdict.how}${verdict.mayBePrivate ? '+private' : ''}`
  }

  async request(line: string, port = 443, group = GARDEN): Promise<boolean> {
    const [method = '', url = ''] = line.split(' ')
    const slash = url.indexOf('/')
    const [host, path] = [url.slice(0, slash), url.slice(slash)]
    return (await this.policy.request(group, { host, port, method, path })).allowed
  }
}
