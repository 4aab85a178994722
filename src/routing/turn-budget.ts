import { settingsOf } from '../chat-commands/command.ts'
import type { Groups } from '../config/groups.ts'
import { elapsedText } from '../domain/elapsed-text.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DispatchStore } from '../domain/ports/stores.ts'
import type { UsageStore } from '../domain/ports/usage.ts'
import { startOfDay } from './local-day.ts'

export interface BudgetPorts {
  readonly groups: Pick<Groups, 'load'>
  readonly dispatches: Pick<DispatchStore, 'begunSince'>
  readonly usage: Pick<UsageStore, 'sum'>
  readonly clock: Pick<Clock, 'now'>
  /** IANA name; where the day begins. */
  readonly timezone: string
}

/** How many more messages a group may be given now, and what its chats are told when that is none. */
export interface Budget {
  readonly room: number
  /** Absent while there is room, or while there is none only because its turns have to end first. */
  readonly bound?: { readonly key: string; readonly chat: string; readonly owner: string }
}

const HOUR_MS = 3_600_000

/**
 * The bounds on turns and money (I13), from the host's own tables. What a turn costs is what its sandbox reports, when
 * it ends: the bound on turns holds whatever a sandbox says, the one on money holds for a runtime that tells the truth.
 */
export function turnBudget(group: GroupName, ports: BudgetPorts): Budget {
  const config = settingsOf(group, ports.groups)
  const { turns_per_hour: turns, usd_per_day: usd } = config?.limits ?? {}
  if (!config || (turns === undefined && usd === undefined)) return { room: Number.POSITIVE_INFINITY }
  const now = ports.clock.now()
  const begun = ports.dispatches.begunSince(group, (now - HOUR_MS) as UnixMs, now)
  if (usd !== undefined) {
    const today = startOfDay(now, ports.timezone)
    const spent = ports.usage.sum(group, today, { until: now }).costUsd ?? 0
    if (spent >= usd) return { room: 0, bound: moneyBound(group, usd, today) }
  }
  if (turns !== undefined && begun.count >= turns) {
    return { room: 0, bound: turnsBound(group, turns, now, begun.oldest ?? now) }
  }
  // With many at once under way, none would be there to stop when the money is gone.
  const atOnce = usd === undefined ? Number.POSITIVE_INFINITY : config.concurrency - begun.open
  return { room: Math.max(0, Math.min(atOnce, (turns ?? Number.POSITIVE_INFINITY) - begun.count)) }
}

/** Whether all that waits for a group waits for its bounds: then its sandbox has nothing to do. */
export function isHeldBack(group: GroupName, ports: BudgetPorts): boolean {
  // Asked of every group that is looked at, and most have no bounds: their settings say so without a query.
  return (
    turnBudget(group, ports).room <= 0 &&
    ports.dispatches.begunSince(group, ports.clock.now(), ports.clock.now()).open === 0
  )
}

function moneyBound(group: GroupName, usd: number, today: UnixMs): NonNullable<Budget['bound']> {
  const money = `$${usd}`
  return {
    key: `limit:usd:${group}:${usd}:${today}`,
    chat: `This agent has used up its ${money} for today. Your message is kept, and answered after midnight.`,
    owner: `The agent **${group}** has used up its ${money} for today (\`limits.usd_per_day\` in its container.json). Messages wait until midnight, or until you raise it.`,
  }
}

function turnsBound(
  group: GroupName,
  turns: number,
  now: UnixMs,
  oldest: UnixMs,
): NonNullable<Budget['bound']> {
  const wait = elapsedText(Math.max(60_000, oldest + HOUR_MS - now))
  return {
    key: `limit:turns:${group}:${turns}:${Math.floor(now / HOUR_MS)}`,
    chat: `This agent has done its ${turns} ${turns === 1 ? 'turn' : 'turns'} for this hour. Your message is kept, and answered in ${wait} or a little later.`,
    owner: `The agent **${group}** has done its ${turns} ${turns === 1 ? 'turn' : 'turns'} for this hour (\`limits.turns_per_hour\` in its container.json). Messages wait.`,
  }
}
