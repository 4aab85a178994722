import type { GroupName, UnixMs, UserId } from '../ids.ts'
import type { ChatRow } from './directory.ts'

export type Role = 'owner' | 'admin' | 'member' | 'denied'

export interface RoleStore {
  /** Roles of a user that count for this group: install-wide ones and its own. */
  roles(user: UserId, group: GroupName): readonly Role[]
  isOwner(user: UserId): boolean
  /** `group` null = for the whole install. Idempotent. */
  grant(user: UserId, role: Role, group: GroupName | null, at: UnixMs): void
  revoke(user: UserId, role: Role, group: GroupName | null): number
  all(): readonly { user: UserId; name: string; role: Role; group: GroupName | null }[]
  /** Private chats in which an owner has written, latest first: where the owner can be asked. */
  ownerChats(): readonly ChatRow[]
  /** The same for owners and admins of the group. */
  deciderChats(group: GroupName): readonly ChatRow[]
}
