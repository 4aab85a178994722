import type { CallAnswer, HostCallRow } from '../host-call.ts'
import type { GroupName, UnixMs, UserId } from '../ids.ts'

/** Calls of tools in the host's database; they are recorded with the batch of the outbox that they came in. */
export interface HostCallStore {
  /** Groups with a call that is not carried out, or whose answer is not in the inbox. */
  groupsWithWork(): readonly GroupName[]
  /** The oldest of them of one group. */
  withWork(group: GroupName, limit: number): readonly HostCallRow[]
  /** Calls of a group since then and until now (a clock may have been ahead), whatever became of them. */
  countSince(group: GroupName, since: UnixMs, now: UnixMs): number
  /** Writes the answer down; a call that has one keeps it. Synced. */
  answer(id: number, answer: CallAnswer): void
  /** The answers stand in the inbox. Relaxed: putting them there again changes nothing. */
  told(ids: readonly number[]): void
  /** Who spoke in the turns of this session that ran at that time. */
  speakers(group: GroupName, session: string, at: UnixMs): readonly UserId[]
  /** Whether the group is at work on the message at this position of its inbox, or may be. */
  isOpen(group: GroupName, inboxSeq: number): boolean
}
