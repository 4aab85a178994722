// Composition root, the part about what leaves the sandboxes: who may go where, how much, and what is noted of it.
import { systemRandom } from './adapters/clock/random.ts'
import type { Core } from './core.ts'
import type { EgressLimits } from './domain/egress-limits.ts'
import type { GroupName } from './domain/ids.ts'
import { EgressBudget } from './egress/egress-budget.ts'
import { egressLimits } from './egress/egress-limits.ts'
import { GroupEgressPolicy } from './egress/egress-policy.ts'
import { EgressRecorder } from './egress/egress-recorder.ts'
import type { Log } from './log.ts'
import { Pump } from './pump.ts'

export interface EgressParts {
  readonly policy: GroupEgressPolicy
  readonly audit: EgressRecorder
  /** The bounds of a group, read anew. Throws ConfigError for a container.json that cannot be used. */
  readonly limits: (group: GroupName) => EgressLimits
}

const WRITE_EVERY_MS = 2_000

/** Makes them; writes nothing until `egressWriter` runs. */
export function egressParts(core: Core, log: Log): EgressParts {
  const { groups, vault, clock, egressRules: rules, toolServers, egressLog, mask } = core
  const budget = new EgressBudget(egressLog)
  return {
    policy: new GroupEgressPolicy({ groups, rules, toolServers, vault, budget, clock }),
    audit: new EgressRecorder({ store: egressLog, budget, log, clean: (text) => mask.clean(text) }),
    limits: (group) => egressLimits(groups.load(group)),
  }
}

/** Writes the log of what left, every two seconds. To be started, and stopped before the last `audit.write()`. */
export function egressWriter(core: Core, log: Log, audit: EgressRecorder): Pump<string> {
  return new Pump<string>({
    ...{ name: 'egress', log, clock: core.clock, random: systemRandom, maxConcurrent: 1 },
    pollMs: WRITE_EVERY_MS,
    backoff: { baseMs: WRITE_EVERY_MS, maxMs: 60_000 },
    keys: () => ['egress'],
    step: () => {
      audit.write()
      return 'idle'
    },
  })
}
