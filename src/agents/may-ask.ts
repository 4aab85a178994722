import type { GroupConfig } from '../config/schema.ts'
import type { Lineage } from '../domain/agent-request.ts'
import type { GroupName } from '../domain/ids.ts'
import type { Role } from '../domain/ports/stores.ts'

export interface AskFacts {
  readonly from: GroupName
  readonly to: string
  /** Settings of both; null when they cannot be read, or there is no such agent. */
  readonly asker: Pick<GroupConfig, 'agents'> | null
  readonly asked: Pick<GroupConfig, 'agents'> | null
  /** What the people are to the asked agent who may have spoken in this turn. */
  readonly roles: readonly (readonly Role[])[]
  readonly lineage: Lineage
  readonly withinHour: number
  readonly bounds: AskBounds
}

export interface AskBounds {
  /** For one message of a person. */
  readonly requests: number
  readonly hops: number
  readonly perHour: number
}

export type AskVerdict =
  | { readonly allowed: true }
  /** `bound`: which one was reached, so that the owner is told of it once. */
  | { readonly allowed: false; readonly reason: string; readonly bound?: 'tree' | 'hour' }

/**
 * Pure: may this agent ask that one, now and for these people? From the owner's files and the host's tables alone (I8).
 * Bounds on what comes of one message of a person end every loop of agents by themselves (I13).
 */
export function mayAsk(facts: AskFacts): AskVerdict {
  const { from, to, asker, asked, roles, lineage, withinHour, bounds } = facts
  const known = agentsOf(asker)
  if (to === from) return no('Not sent: that is you. Do it yourself.')
  // The same words for one that there is not: what agents there are is nobody's to find out.
  if (!known.includes(to) || asked === null)
    return no(
      `Not sent: you may not ask an agent "${to.slice(0, 50)}". ${known.length === 0 ? 'There is none that you may ask.' : `You may ask: ${known.join(', ')}.`}`,
    )
  const hears = asked.agents[from]?.hear ?? 'no'
  if (hears === 'no')
    return no(`Not sent: ${to} does not hear you; only its owner can change that. Go on without it.`)
  if (roles.some((one) => one.includes('denied') || (hears === 'members' && one.length === 0)))
    return no(`Not sent: ${to} does not work for everybody whose messages you work on. Go on without it.`)
  if (lineage.hop >= bounds.hops)
    return no(
      `Not sent: this has been passed on ${bounds.hops} times already, and no further. Answer with what you have.`,
      'tree',
    )
  if (lineage.inTree >= bounds.requests)
    return no(
      `Not sent: what a person said has led to ${bounds.requests} requests between agents already. Answer with what you have.`,
      'tree',
    )
  if (withinHour >= bounds.perHour)
    return no(
      `Not sent: you have asked ${to} ${bounds.perHour} times within an hour. Go on without it.`,
      'hour',
    )
  return { allowed: true }
}

/** Whom an agent may ask, as far as its own settings say. */
export function agentsOf(config: Pick<GroupConfig, 'agents'> | null): string[] {
  return Object.entries(config?.agents ?? {})
    .filter(([, { send }]) => send)
    .map(([name]) => name)
}

function no(reason: string, bound?: 'tree' | 'hour'): AskVerdict {
  return { allowed: false, reason, ...(bound === undefined ? {} : { bound }) }
}
