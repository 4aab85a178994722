import type { GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { InboundRow, PendingDispatch } from '../domain/ports/stores.ts'
import type { WaitingStore } from '../domain/ports/waiting.ts'

export interface SummariesPorts {
  readonly waiting: Pick<WaitingStore, 'summaries' | 'summarised' | 'waitingIn'>
  readonly clock: Clock
  /** Messages of one conversation that may wait before its policy counts. */
  readonly queueBound: number
}

/** Conversations that have worked off half of what waited are given, as one message, what came meanwhile. */
export function releaseSummaries(group: GroupName, { waiting, clock, queueBound }: SummariesPorts): void {
  for (const summary of waiting.summaries(group)) {
    const half = Math.floor(queueBound / 2)
    if (waiting.waitingIn(group, summary.session, half + 1) <= half)
      waiting.summarised(group, summary, clock.now())
  }
}

/** What the agent is told of how a message comes to it; times only, for the words of people are no word of ours. */
export function arrivalNotes({ bundle, standsFor, standsSince }: PendingDispatch, row: InboundRow): string[] {
  const notes: string[] = []
  if (standsFor > 0) {
    const since = new Date(standsSince).toISOString()
    notes.push(
      `Besides this message ${standsFor} more were said to you since ${since}, while many waited. The newest of them are above. Answer all of them together, in one answer.`,
    )
  }
  if (bundle === row.id && row.lateMs > 0) {
    const since = new Date(row.sentAt).toISOString()
    notes.push(
      `Several messages came while you could not be reached, since ${since}. This is the first of them. Answer what still matters in one answer.`,
    )
  }
  return notes
}
