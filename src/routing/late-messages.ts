import { elapsedText } from '../domain/elapsed-text.ts'
import type { InboundId, UnixMs } from '../domain/ids.ts'
import type { DispatchPlan, InboundRow } from '../domain/ports/stores.ts'

export interface CatchUp {
  /** What was on its way longer is not answered; 0 = everything is. */
  readonly maxAgeMs: number
  /** More than so many of one conversation share a turn; 0 = none do. */
  readonly collect: number
}

/** What came late in one chat is looked at in pieces of so many. */
export const LATE_AT_ONCE = 200
/** A platform hands over what piled up one after the other; so long after the last it is complete, … */
const QUIET_MS = 1_000
/** … or so long after the first. */
const QUIET_AT_MOST_MS = 10_000

/** How long the messages of a run are still to be waited for. Pure. */
export function lateWaitMs(run: readonly InboundRow[], { maxAgeMs, collect }: CatchUp, now: UnixMs): number {
  const [first, last] = [run[0], run.at(-1)]
  if (!first || !last || (collect === 0 && maxAgeMs === 0) || run.length >= LATE_AT_ONCE) return 0
  const until = Math.min(last.receivedAt + QUIET_MS, first.receivedAt + QUIET_AT_MOST_MS)
  return now < last.receivedAt ? 0 : Math.max(0, until - now)
}

/** A message that comes too late is not answered: it becomes background of the next one. Pure. */
export function tooOld(
  message: InboundRow,
  plans: readonly DispatchPlan[],
  { maxAgeMs }: CatchUp,
): readonly DispatchPlan[] {
  if (maxAgeMs === 0 || message.lateMs <= maxAgeMs) return plans
  const reason = `it came ${elapsedText(message.lateMs)} late (chats.catch_up_max_age_h)`
  return plans.map((plan) =>
    plan.command === undefined ? { ...plan, aside: { kind: 'old', reason } } : plan,
  )
}

/** One line for the chat about what is not answered. */
export function tooOldText(count: number, { maxAgeMs }: CatchUp): string {
  const hours = Math.round(maxAgeMs / 360_000) / 10
  const what =
    count === 1
      ? `a message came that is older than ${hours} hours. It is`
      : `${count} messages came that are older than ${hours} hours. They are`
  return `While I was away, ${what} kept as background, but not answered; say again what still matters.`
}

/**
 * Conversations with more than so many messages to answer get one turn for all of them: a bundle, named by its first.
 * `plans` are those of each message, oldest first. Pure.
 */
export function bundled(
  plans: readonly { readonly id: InboundId; readonly plans: readonly DispatchPlan[] }[],
  moreThan: number,
): readonly (readonly DispatchPlan[])[] {
  const found = new Map<string, { first: InboundId; count: number }>()
  const keyOf = ({ group, session }: DispatchPlan) => `${group} ${session}`
  const counts = ({ aside, command }: DispatchPlan) => aside === undefined && command === undefined
  for (const { id, plans: own } of plans)
    for (const plan of own.filter(counts)) {
      const known = found.get(keyOf(plan)) ?? { first: id, count: 0 }
      found.set(keyOf(plan), { ...known, count: known.count + 1 })
    }
  return plans.map(({ plans: own }) =>
    own.map((plan) => {
      const bundle = found.get(keyOf(plan))
      return counts(plan) && bundle && bundle.count > moreThan ? { ...plan, bundle: bundle.first } : plan
    }),
  )
}
