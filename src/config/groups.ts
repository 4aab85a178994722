import type { GroupName } from '../domain/ids.ts'
import type { PackageList } from '../domain/packages.ts'
import type { GroupConfig } from './schema.ts'

/** The folders of all agents. Read anew at each call: people edit them while we run. */
export interface Groups {
  names(): readonly GroupName[]
  exists(group: GroupName): boolean
  /**
   * Whether an agent has this name, or anything on the disk is left of one: what comes after it would take that over.
   * What an `add` with these instructions began and did not end is left of none.
   */
  isTaken(group: GroupName, begunWith?: string): boolean
  /** Throws ConfigError that says file, key, expected and got. */
  load(group: GroupName): GroupConfig
  /** Text of AGENTS.md, '' when there is none; `ofBytes` is its size when the text is only its beginning. */
  instructions(group: GroupName): { readonly text: string; readonly ofBytes?: number }
  /**
   * Makes the folder with instructions (in place of the usual ones) and a container.json, which comes last: one that was
   * begun and not ended is ended. Throws `conflict` when it exists.
   */
  add(group: GroupName, config: Partial<GroupConfig>, instructions?: string): void
  /** Lets an agent ask another one, besides what its container.json says. Idempotent. Throws CreelError. */
  letAsk(group: GroupName, other: GroupName, about: string): void
  /** Writes which packages it is to have, in place of those that its container.json names. Idempotent. Throws CreelError. */
  setPackages(group: GroupName, packages: PackageList): void
  /** Moves the folder aside, and what its runtime kept; never deletes. Returns where the folder went. */
  remove(group: GroupName): string
}
