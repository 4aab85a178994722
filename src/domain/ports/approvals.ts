import type { Approval, ApprovalKindName, Decision, NewApproval } from '../approval.ts'
import type { ChatId, GroupName, UnixMs } from '../ids.ts'

/** Asks and what became of them, in the host's database. Each write is one synced transaction unless it says relaxed. */
export interface ApprovalStore {
  /** Records an ask; one whose key is known changes nothing. */
  add(approval: NewApproval): void
  find(id: number): Approval | null
  byCode(code: string): Approval | null
  /** Open asks of a group, oldest first. */
  openOf(group: GroupName): readonly Approval[]
  /** Open questions that were put into this chat, oldest first. */
  questionsIn(chatId: ChatId): readonly Approval[]
  /** Asks of a group since then, in any state. */
  askedSince(group: GroupName, since: UnixMs): number
  /** The newest ask for the same thing that a person denied since then. */
  deniedSince(group: GroupName, kind: ApprovalKindName, payloadHash: string, since: UnixMs): Approval | null
  /** The newest `limit`, newest first; with `open` only those that wait for a person. */
  list(limit: number, open: boolean): readonly Approval[]
  /** Writes a decision down. False when it was decided before, or is over: then nothing has changed. */
  decide(id: number, decision: Decision): boolean
  /** Ends an ask whose time is over. False when it was decided. */
  expire(id: number, at: UnixMs): boolean
  /** How an allowed (or, when it must not be, an asked) one ended. A final one is left as it is. */
  finish(id: number, state: 'done' | 'failed', outcome: string, at: UnixMs): void
  /** Asks that are to be carried out, ended, told to their agent or shown as decided, or whose card was not delivered. */
  withWork(now: UnixMs): readonly number[]
  /** It is shown by another delivery, in another chat. Idempotent. */
  moveCard(id: number, chatId: ChatId, cardKey: string): void
  /** Its agent was told. Relaxed: telling it again changes nothing. */
  markTold(id: number): void
  /** Its card says how it ended, or never will. Relaxed. */
  markCardSettled(id: number): void
  /** Where its card stands: not sent yet, sent as this message, or never. */
  cardMessage(id: number): 'waiting' | 'none' | { readonly id: string }
}
