import { z } from 'zod'
import type { Install } from '../config/load.ts'
import { isAddress, isLocalName, isTooWide } from '../domain/egress-host.ts'
import { covers, denies, ruleText, ruleWarnings } from '../domain/egress-rules.ts'
import { isPublicAddress } from '../domain/ip-address.ts'
import type { EgressTotal } from '../domain/ports/egress-log.ts'
import type { RuleLine } from '../operator/egress-commands.ts'
import type { SecretLine } from '../operator/vault-commands.ts'
import { type Finding, ok } from './finding.ts'
import { when } from './option-values.ts'
import { runCommand } from './session.ts'

const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS
/** More names than this are no help on one line. */
const SHOWN = 5

/** Rules that give more, or less, than was meant; secrets that nobody uses; what was turned away. */
export async function checkEgress(install: Install): Promise<Finding[]> {
  const rules = (await runCommand(install, 'egress-list')) as readonly RuleLine[]
  const totals = (sinceMs: number) =>
    runCommand(install, 'egress-totals', { outcome: 'denied', sinceMs, limit: 10_000 }) as Promise<
      EgressTotal[]
    >
  const { secrets } = Listed.parse(await runCommand(install, 'vault-list'))
  const inForce = rules.filter(({ ended }) => !ended)
  return [
    ok('egress', `${count(inForce.length, 'rule')}; private: ${privateHosts(inForce)}`),
    ...inForce.flatMap(wideFindings),
    ...inForce.flatMap((rule) => shadowFindings(rule, inForce)),
    ...endedFindings(rules, await totals(WEEK_MS)),
    ...secretFindings(secrets, inForce),
    ...deniedFindings(await totals(DAY_MS)),
  ]
}

const Listed = z.object({ secrets: z.array(z.custom<SecretLine>((line) => typeof line === 'object')) })

function privateHosts(rules: readonly RuleLine[]): string {
  const hosts = rules
    .filter(({ effect, rule }) => effect === 'allow' && rule.private)
    .map(({ rule }) => rule.host)
  return [...new Set(hosts)].slice(0, SHOWN).join(', ') || 'none'
}

function wideFindings(line: RuleLine): Finding[] {
  if (line.effect === 'deny') return []
  // The hosts of a secret are looked at below.
  if (line.id === null && line.from !== 'container.json') return []
  const place = line.id === null ? 'in container.json' : `or creel egress remove ${line.id}`
  return ruleWarnings(line.rule).map(({ text, hint }) => warning(line.group, text, `${hint} (${place})`))
}

function shadowFindings(line: RuleLine, rules: readonly RuleLine[]): Finding[] {
  if (line.effect === 'deny') return []
  const { host, ports } = line.rule
  const by = rules.find(
    ({ effect, group, rule }) =>
      effect === 'deny' &&
      (group === null || group === line.group) &&
      ports.every((port) => denies(rule, { host: host.replace(/^\*/, 'any'), port })),
  )
  if (by === undefined) return []
  const text = `${line.text} (${line.from}) never counts: rule ${by.id} denies ${by.text}`
  return [warning(line.group, text, `creel egress remove ${by.id}, or take the other one away`)]
}

/** A rule that ended is of interest when the agent still asks. */
function endedFindings(rules: readonly RuleLine[], denied: readonly EgressTotal[]): Finding[] {
  return rules
    .filter(({ ended, effect }) => ended && effect === 'allow')
    .flatMap((line) => {
      const isAsked = ({ group, host, hour }: EgressTotal) =>
        (line.group === null || line.group === group) &&
        hour + DAY_MS / 24 > (line.expiresAt ?? 0) &&
        line.rule.ports.some((port) => covers(line.rule, { host, port }))
      const times = denied.filter(isAsked).reduce((sum, total) => sum + total.count, 0)
      if (times === 0) return []
      const text = `the rule for ${line.text} ended at ${when(line.expiresAt ?? 0)}, and ${count(times, 'request')} came since`
      return [
        warning(line.group, text, `creel egress allow ${line.rule.host}, or creel egress remove ${line.id}`),
      ]
    })
}

function secretFindings(secrets: readonly SecretLine[], rules: readonly RuleLine[]): Finding[] {
  const unused = secrets
    .filter(({ hosts, groups }) => hosts.length > 0 && groups.length === 0)
    .map(({ name, hosts }) =>
      warning(null, `the secret ${name} is for ${hosts.join(', ')}, and no agent may use it`, named(name)),
    )
  const wide = secrets.flatMap(({ name, hosts }) =>
    hosts.filter(isTooWide).map((host) => {
      const text = `the secret ${name} goes to ${host}, and anybody can have a name there and read it`
      return warning(null, text, `./creel vault set ${name} --host HOST, with the hosts that are meant`)
    }),
  )
  const local = rules
    .filter(({ from, rule }) => from.startsWith('secret ') && isNotPublic(rule.host))
    .filter(
      (line) =>
        !rules.some(
          ({ group, effect, rule }) =>
            effect === 'allow' &&
            rule.private &&
            (group === null || group === line.group) &&
            line.rule.ports.every((port) => covers(rule, { host: line.rule.host, port })),
        ),
    )
    .map((line) => {
      const text = `the ${line.from} is for ${ruleText(line.rule)}, which is not public: nothing gets there`
      const port = line.rule.ports.map((number) => ` --port ${number}`).join('')
      return warning(
        line.group,
        text,
        `creel egress allow ${line.rule.host}${port} --private --group ${line.group}`,
      )
    })
  return [...unused, ...wide, ...local]
}

function isNotPublic(host: string): boolean {
  return isAddress(host) ? !isPublicAddress(host) : isLocalName(host)
}

function named(name: string): string {
  return `add "${name}" to "secrets" of its container.json, or creel vault remove ${name}`
}

function deniedFindings(totals: readonly EgressTotal[]): Finding[] {
  const groups = [...new Set(totals.map(({ group }) => group))].sort()
  return groups.map((group) => {
    const own = totals.filter((total) => total.group === group).sort((a, b) => b.count - a.count)
    const hosts = own.slice(0, SHOWN).map(({ host, count: times }) => `${host} (${times})`)
    const more = own.length > SHOWN ? `, … (creel egress log --denied --group ${group})` : ''
    return ok(`egress of ${group}`, `turned away within 24 hours: ${hosts.join(', ')}${more}`)
  })
}

function warning(group: string | null, text: string, hint: string): Finding {
  return { check: group === null ? 'egress' : `egress of ${group}`, level: 'warning', text, hint }
}

function count(n: number, what: string): string {
  return n === 1 ? `1 ${what}` : `${n} ${what}s`
}
