import type { ChatId, GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Mailbox } from '../domain/ports/mailbox.ts'
import type { DispatchStore } from '../domain/ports/stores.ts'

export interface StopPorts {
  readonly dispatches: Pick<DispatchStore, 'openIn' | 'cancelPending'>
  readonly mailbox: Pick<Mailbox, 'put'>
  readonly clock: Clock
  /** Rings the runner. */
  readonly nudge: (group: GroupName) => void
}

/**
 * Ends what a group does and has to do for one chat: running turns are interrupted, waiting messages dropped; both
 * settle as cancelled. Returns how many. The same call again is a no-op.
 */
export function stopTurns(group: GroupName, chatId: ChatId, ports: StopPorts): number {
  const { dispatches, mailbox, clock, nudge } = ports
  const waiting = dispatches.cancelPending(group, chatId, clock.now())
  const placed = dispatches.openIn(group, chatId)
  for (const inboxSeq of placed) {
    mailbox.put(group, `cancel:${inboxSeq}`, { type: 'cancel', inboxSeq }, clock.now())
  }
  if (placed.length > 0) nudge(group)
  return waiting + placed.length
}
