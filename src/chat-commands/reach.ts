import { ruleText } from '../domain/egress-rules.ts'
import type { UnixMs } from '../domain/ids.ts'
import { startOfDay } from '../routing/local-day.ts'
import { type ChatCommandPorts, type CommandCall, settingsOf } from './command.ts'

/** More lines than this are for the command line. */
const SHOWN = 20
const SHOWN_DENIED = 5
const MAX_SUMS = 1_000

/** `/egress`: what the agent may reach, and what was turned away today. */
export function reachText({ group }: CommandCall, ports: ChatCommandPorts): string {
  const { groups, egressRules, clock } = ports
  const config = settingsOf(group, groups)
  if (config === null) return `The settings of **${group}** are broken: it reaches nothing.`
  const now = clock.now()
  const own = egressRules.inForce(group, now).map(({ effect, rule, once, expiresAt }) => {
    const left = expiresAt === null ? '' : `, ${once ? 'once, ' : ''}for ${minutes(expiresAt - now)} more`
    return `- ${effect === 'deny' ? 'never ' : ''}\`${ruleText(rule)}\`${left}`
  })
  const lines = [...config.egress.map((rule) => `- \`${ruleText(rule)}\``), ...own]
  const secrets = (config.secrets ?? []).length > 0 ? ['- the hosts of its secrets'] : []
  const more = lines.length > SHOWN ? [`- … ${lines.length - SHOWN} more: \`./creel egress list\``] : []
  const shown = [...lines.slice(0, SHOWN), ...more, ...secrets]
  return [
    shown.length === 0 ? `**${group}** may reach nothing but its model.` : `**${group}** may reach:`,
    ...shown,
    ...deniedLines(group, ports),
  ].join('\n')
}

function deniedLines(
  group: CommandCall['group'],
  { egressLog, clock, timezone }: ChatCommandPorts,
): string[] {
  const since = startOfDay(clock.now(), timezone) as UnixMs
  const denied = [...egressLog.totals({ group, outcome: 'denied', since }, MAX_SUMS)]
  if (denied.length === 0) return []
  const hosts = denied
    .sort((a, b) => b.count - a.count)
    .slice(0, SHOWN_DENIED)
    // The sandbox chose these names: nothing in them may become a link or a heading.
    .map(({ host, count }) => `\`${host.replace(/[^a-z0-9.:_…-]/gi, '?').slice(0, 80)}\` (${count})`)
  const more = denied.length > SHOWN_DENIED ? ', …' : ''
  return ['', `Turned away today: ${hosts.join(', ')}${more}`]
}

function minutes(ms: number): string {
  const whole = Math.ceil(ms / 60_000)
  if (whole < 120) return `${whole} min`
  return whole < 2_880 ? `${Math.round(whole / 60)} h` : `${Math.round(whole / 1_440)} days`
}
