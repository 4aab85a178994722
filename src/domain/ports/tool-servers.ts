import type { GroupName } from '../ids.ts'
import type { AddedToolServer } from '../tool-server.ts'

/** Tool servers that people allowed agents to have, in the host's database. */
export interface ToolServerStore {
  /** Those of a group by name. */
  of(group: GroupName): readonly AddedToolServer[]
  /** Idempotent for one ask. Throws CreelError `conflict` when another one has the name, or the group has too many. */
  add(server: AddedToolServer): void
  /** Takes one away, when given only that of this ask. False when it is not there. */
  remove(group: GroupName, name: string, approvalId?: number): boolean
}
