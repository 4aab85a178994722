import type { GroupName, InboundId } from '../ids.ts'

/** What people chose for one conversation of a group. */
export interface SessionChoice {
  /** How often it was begun anew. */
  readonly epoch: number
  /** The message that began it anew; null when it never was. */
  readonly since: InboundId | null
  /** In place of the group's own. */
  readonly model: string | null
  readonly effort: string | null
}

/** Kept by session as the router names it, without its epoch. */
export interface SessionChoices {
  of(group: GroupName, session: string): SessionChoice
  /** The conversation begins anew at this message. The same message again changes nothing. */
  beginAnew(group: GroupName, session: string, message: InboundId): void
  /** Null goes back to the group's own. */
  choose(group: GroupName, session: string, what: 'model' | 'effort', value: string | null): void
}
