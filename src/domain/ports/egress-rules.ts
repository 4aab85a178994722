import type { EgressRule } from '../egress-rules.ts'
import type { GroupName, UnixMs } from '../ids.ts'

/** A rule that the owner gave, at the command line or by an approval; those of container.json are not here. */
export interface NewOwnerRule {
  /** Null: for all groups. */
  readonly group: GroupName | null
  /** A `deny` comes before every other rule; of its parts only host and ports count, and no ports are all ports. */
  readonly effect: 'allow' | 'deny'
  readonly rule: EgressRule
  /**
   * For one piece of work: it ends ONCE_MS after it was first used (`git clone` is a dozen requests), and
   * ONCE_UNUSED_MS after it was given when it is not used at all.
   */
  readonly once: boolean
  /** Who gave it: a user id, or a word such as `command line`. */
  readonly by: string
  /** Null: it holds until it is taken back. */
  readonly expiresAt: UnixMs | null
}

export interface OwnerRule extends NewOwnerRule {
  readonly id: number
  readonly at: UnixMs
  readonly firstUsedAt: UnixMs | null
}

export const ONCE_MS = 10 * 60_000
export const ONCE_UNUSED_MS = 24 * 3_600_000
/** Rules for one group, or for all groups. */
export const MAX_OWNER_RULES = 200

/** Where the owner's rules are kept; a change counts with the next connection and request. */
export interface EgressRules {
  /**
   * Keeps it and returns its number; durable before it returns. One that says the same is replaced. A rule that allows
   * does not help against one that denies. Throws `invalid` when there are MAX_OWNER_RULES already.
   */
  add(rule: NewOwnerRule, now: UnixMs): number
  /** Like add; what says the contrary for the same group, host and ports is taken back. For the owner's own word alone. */
  overrule(rule: NewOwnerRule, now: UnixMs): number
  /** Whether there was one. */
  remove(id: number): boolean
  /** What counts for the group now: its own rules and those for all groups, none that ended; oldest first. */
  inForce(group: GroupName, now: UnixMs): readonly OwnerRule[]
  /** All of them, those that ended within the last week too; oldest first. */
  all(): readonly OwnerRule[]
  /** A rule for once was used; its end is set by the first use, later ones change nothing. */
  used(id: number, now: UnixMs): void
}
