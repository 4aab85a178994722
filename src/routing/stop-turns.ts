import type { ChatId, GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DispatchStore } from '../domain/ports/stores.ts'

export interface StopPorts {
  readonly dispatches: Pick<DispatchStore, 'stopPlaced' | 'cancelPending'>
  readonly clock: Clock
  /** Something is to be put into the group's inbox. */
  readonly nudge: (group: GroupName) => void
}

/**
 * Ends what a group does and has to do for one chat: running turns are interrupted, waiting messages dropped; both
 * settle as cancelled. Returns how many. The same call again is a no-op. It is noted here and written into the inbox by
 * the dispatcher: a sandbox that locks its inbox holds nobody else up, and a thousand messages are one commit.
 */
export function stopTurns(group: GroupName, chatId: ChatId, { dispatches, clock, nudge }: StopPorts): number {
  const waiting = dispatches.cancelPending(group, chatId, clock.now())
  const placed = dispatches.stopPlaced(group, chatId)
  if (placed > 0) nudge(group)
  return waiting + placed
}
