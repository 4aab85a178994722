import { z } from 'zod'
import { isAddress, isLocalName } from '../domain/egress-host.ts'
import { denies, type EgressRule, parseEgressRule } from '../domain/egress-rules.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import { isPublicAddress } from '../domain/ip-address.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { type EgressRules, ONCE_MS } from '../domain/ports/egress-rules.ts'
import type { ApprovalKind, AskedFor } from './approval-kind.ts'
import { quoted } from './quoted.ts'

const OPEN_MS = 24 * 3_600_000
const MAX_REASON = 300

const Payload = z.strictObject({ host: z.string(), port: z.number(), private: z.boolean() })
type Payload = z.infer<typeof Payload>
/** What of it is there even when nobody was asked. */
const Place = z.object({ host: z.string(), port: z.number() })

export interface EgressKindPorts {
  readonly rules: Pick<EgressRules, 'add' | 'inForce'>
  readonly groups: { exists(group: GroupName): boolean }
  readonly clock: Pick<Clock, 'now'>
}

/** A host name that the sandbox of a group wants to reach: once, always, or not. */
export function egressKind({ rules, groups, clock }: EgressKindPorts): ApprovalKind {
  return {
    name: 'egress',
    decides: 'admin',
    read(group, ask) {
      if (ask.kind !== 'egress') throw new Error(`an ask of kind ${ask.kind}`)
      const asked = readAsk(ask.host, ask.port, ask.reason)
      const denied = rules.inForce(group, clock.now()).some(({ effect, rule }) => {
        return effect === 'deny' && 'payload' in asked && denies(rule, Place.parse(asked.payload))
      })
      // An answer would not help against it, and whoever answers may not know of it.
      return denied
        ? { settled: 'denied', outcome: 'The owner denied this host for good; do not ask again.' }
        : asked
    },
    carryOut(approval) {
      const { group, choice, decidedBy, id } = approval
      if (!groups.exists(group)) throw new CreelError('not_found', `there is no agent ${group} any more`)
      const payload = Payload.parse(JSON.parse(approval.payload))
      const rule = ruleOf(payload)
      if (rule === null) throw new CreelError('invalid', 'it is no host that can be allowed')
      const once = choice !== 'always'
      const by = `${decidedBy ?? 'nobody'}, request ${id}`
      rules.add({ group, effect: 'allow', rule, once, by, expiresAt: null }, clock.now())
      const howLong = once ? `for ${ONCE_MS / 60_000} minutes from the first connection on` : 'from now on'
      return `${placeOf(payload)} can be reached ${howLong}.`
    },
    about: ({ payload }) => `your request to reach ${quoted(placeOf(Place.parse(JSON.parse(payload))), 200)}`,
    expired: () =>
      'Nobody decided in time, which counts as a no. Go on without it, or tell the person what you cannot do.',
  }
}

function readAsk(text: string, port: number, reason: string): AskedFor {
  const host = text.trim().toLowerCase().replace(/\.$/, '')
  const isPrivate = isAddress(host) ? !isPublicAddress(host) : isLocalName(host)
  const payload: Payload = { host, port, private: isPrivate }
  const rule = ruleOf(payload)
  if (rule === null)
    return {
      settled: 'denied',
      outcome: `${JSON.stringify(host.slice(0, 100))} is no host that can be asked for: expected one name such as api.example.com, without a scheme, a path or *.`,
    }
  // As the rule has it: what is shown is what will be allowed.
  const shown: Payload = { ...payload, host: rule.host }
  const lines = [
    `wants to reach ${quoted(placeOf(shown), 300)} from its sandbox.`,
    ...(isPrivate ? ['**This is inside your own network**, not on the internet.'] : []),
    '',
    `Its words: ${quoted(reason, MAX_REASON)}`,
  ]
  const minutes = ONCE_MS / 60_000
  return {
    payload: shown,
    what: lines.join('\n'),
    choices: [
      { id: 'once', label: `Once (${minutes} min)`, allows: true },
      { id: 'always', label: 'Always', allows: true },
      { id: 'deny', label: 'Deny', allows: false },
    ],
    openMs: OPEN_MS,
  }
}

/** One host on one port, and nothing wider. */
function ruleOf({ host, port, private: isPrivate }: Payload): EgressRule | null {
  if (host.includes('*')) return null
  const rule = parseEgressRule({ host, ports: [port], private: isPrivate })
  if ('length' in rule || rule.paths.length > 0 || rule.ports.length !== 1) return null
  return rule
}

function placeOf({ host, port }: z.infer<typeof Place>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
