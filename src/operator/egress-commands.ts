import { z } from 'zod'
import {
  denies,
  denyRule,
  type EgressRule,
  egressRule,
  ruleText,
  ruleWarnings,
} from '../domain/egress-rules.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import { OUTCOMES } from '../domain/ports/egress.ts'
import type { EgressLine, EgressTotal } from '../domain/ports/egress-log.ts'
import { serverRules } from '../domain/tool-server.ts'
import { findSecret } from '../domain/vault-edits.ts'
import { existingGroup, groupName } from './group-commands.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

/** A line of `creel egress list`. */
export interface RuleLine {
  /** To take it back with; null for what stands in container.json or follows from a secret. */
  readonly id: number | null
  /** Null: for all agents. */
  readonly group: string | null
  readonly effect: 'allow' | 'deny'
  readonly rule: EgressRule
  readonly text: string
  /** `container.json`, `secret NAME`, `tool server NAME`, or who gave it. */
  readonly from: string
  readonly at: number | null
  readonly expiresAt: number | null
  readonly once: boolean
  readonly ended: boolean
}

const BY = 'command line'
const MAX_SPAN_MS = 10 * 365 * 86_400_000

const Whose = { group: z.string().optional(), all: z.boolean().default(false) }
const AllowArgs = z.strictObject({
  ...Whose,
  host: z.string(),
  ports: z.array(z.number()).optional(),
  methods: z.array(z.string()).default([]),
  paths: z.array(z.string()).default([]),
  private: z.boolean().default(false),
  forMs: z.number().int().min(1).max(MAX_SPAN_MS).optional(),
  once: z.boolean().default(false),
})

export const egressAllow: OperatorCommand = {
  run(ports, args) {
    const { group, all, host, forMs, once, ...parts } = AllowArgs.parse(args)
    const name = whose(ports, group, all)
    const rule = egressRule({ host, ...withoutUndefined(parts) })
    const now = ports.clock.now()
    const expiresAt = forMs === undefined ? null : ((now + forMs) as UnixMs)
    const id = ports.egressRules.overrule(
      { group: name, effect: 'allow', rule, once, by: BY, expiresAt },
      now,
    )
    const still = ports.egressRules
      .all()
      .filter((known) => known.effect === 'deny' && isInForce(known, now) && isAbout(known.group, name))
      .filter((known) =>
        rule.ports.some((port) => denies(known.rule, { host: rule.host.replace('*', 'x'), port })),
      )
    return {
      ...{ id, group: name, text: ruleText(rule), expiresAt },
      warnings: ruleWarnings(rule),
      deniedBy: still.map((known) => known.id),
    }
  },
}

const DenyArgs = z.strictObject({ ...Whose, host: z.string() })

export const egressDeny: OperatorCommand = {
  run(ports, args) {
    const { group, all, host } = DenyArgs.parse(args)
    const name = whose(ports, group, all)
    const rule = denyRule(host)
    const now = ports.clock.now()
    const id = ports.egressRules.overrule(
      { group: name, effect: 'deny', rule, once: false, by: BY, expiresAt: null },
      now,
    )
    return { id, group: name, text: ruleText(rule) }
  },
}

const RemoveArgs = z.strictObject({ id: z.number().int() })

export const egressRemove: OperatorCommand = {
  run(ports, args) {
    const { id } = RemoveArgs.parse(args)
    const rule = ports.egressRules.all().find((known) => known.id === id)
    if (rule === undefined || !ports.egressRules.remove(id))
      throw new CreelError('not_found', `there is no rule ${id}`, {
        hint: './creel egress list shows the numbers; rules of container.json are changed there',
      })
    return { id, group: rule.group, effect: rule.effect, text: ruleText(rule.rule) }
  },
}

const ListArgs = z.strictObject({ group: z.string().optional() })

/** What counts now, and what ended within the last week. */
export const egressList: OperatorCommand = {
  async run(ports, args) {
    const { group } = ListArgs.parse(args)
    const only = group === undefined ? null : existingGroup(ports, group)
    const now = ports.clock.now()
    const own = ports.egressRules
      .all()
      .filter((rule) => only === null || isAbout(rule.group, only))
      .map(({ id, group: name, effect, rule, by, at, expiresAt, once }): RuleLine => {
        const ended = expiresAt !== null && expiresAt <= now
        return {
          ...{ id, group: name, effect, rule, at, expiresAt, once, ended },
          text: ruleText(rule),
          from: by,
        }
      })
    const groups = only === null ? ports.groups.names() : [only]
    const given = await Promise.all(groups.map((name) => settingsOf(ports, name)))
    return [...given.flat(), ...own]
  },
}

async function settingsOf(
  { groups, vault, toolServers }: OperatorPorts,
  group: GroupName,
): Promise<RuleLine[]> {
  const line = (rule: EgressRule, from: string): RuleLine => ({
    ...{ id: null, group, effect: 'allow', rule, text: ruleText(rule), from },
    ...{ at: null, expiresAt: null, once: false, ended: false },
  })
  const config = readable(groups, group)
  if (config === null) return []
  const names = config.secrets ?? []
  const content = names.length === 0 ? null : await vault.read()
  const bySecret = names.flatMap((name) => {
    const value = content === null ? undefined : findSecret(content, name)?.value
    if (value === undefined || !('hosts' in value)) return []
    return value.hosts.map((where) => {
      const [host = '', port = '443'] = where.split(':')
      return line(
        { host, ports: [Number(port)], methods: [], paths: value.paths, private: false },
        `secret ${name}`,
      )
    })
  })
  const byServer = toolServers
    .of(group)
    .flatMap((added) => serverRules([added]).map((rule) => line(rule, `tool server ${added.name}`)))
  return [...config.egress.map((rule) => line(rule, 'container.json')), ...bySecret, ...byServer]
}

function readable(groups: OperatorPorts['groups'], group: GroupName) {
  try {
    return groups.load(group)
  } catch {
    // Its own line of `creel status` says what is wrong with it.
    return null
  }
}

const LogArgs = z.strictObject({
  group: z.string().optional(),
  outcome: z.enum(OUTCOMES).optional(),
  sinceMs: z.number().int().min(0).max(MAX_SPAN_MS).optional(),
  limit: z.number().int().min(1).max(10_000).default(50),
})

export const egressLog: OperatorCommand = {
  run(ports, args): readonly EgressLine[] {
    const { limit, ...filter } = LogArgs.parse(args)
    return ports.egressLog.lines(toFilter(ports, filter), limit)
  },
}

/** Sums by agent, host and outcome. */
export const egressTotals: OperatorCommand = {
  run(ports, args): readonly EgressTotal[] {
    const { limit, ...filter } = LogArgs.parse(args)
    return ports.egressLog.totals(toFilter(ports, filter), limit)
  },
}

function toFilter(ports: OperatorPorts, { group, outcome, sinceMs }: Omit<z.infer<typeof LogArgs>, 'limit'>) {
  return {
    // Not only of groups that exist: what one did that was removed is still of interest.
    ...(group === undefined ? {} : { group: groupName(group) }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(sinceMs === undefined ? {} : { since: (ports.clock.now() - sinceMs) as UnixMs }),
  }
}

/** Null: for all agents. */
function whose(ports: OperatorPorts, group: string | undefined, all: boolean): GroupName | null {
  if ((group === undefined) === all) return group === undefined ? null : existingGroup(ports, group)
  const known = ports.groups.names().join(', ') || 'none yet'
  throw new CreelError('invalid', `expected either one agent or all, got ${all ? 'both' : 'neither'}`, {
    hint: `--group NAME (there is: ${known}) or --all`,
  })
}

function isAbout(rule: GroupName | null, group: GroupName | null): boolean {
  return rule === null || group === null || rule === group
}

function isInForce({ expiresAt }: { readonly expiresAt: number | null }, now: number): boolean {
  return expiresAt === null || expiresAt > now
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Partial<T>
}
