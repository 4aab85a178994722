import type { GroupName, UnixMs, UserId } from '../ids.ts'
import type { Role } from './stores.ts'

/** Somebody who has written to an agent, or has a role. */
export interface Person {
  readonly user: UserId
  /** As the platform shows it; decides nothing. Empty when nobody of this id has written. */
  readonly name: string
  readonly isBot: boolean
  readonly firstSeen: UnixMs | null
  readonly lastSeen: UnixMs | null
  readonly messages: number
  /** IANA name of the zone that they said is theirs; null when they have not. */
  readonly zone: string | null
  readonly roles: readonly { readonly role: Role; readonly group: GroupName | null }[]
}

export interface Forgotten {
  readonly roles: number
  /** Whose words were taken out. */
  readonly messages: number
  /** At work right now: kept until they are settled; forget again then. */
  readonly kept: number
}

/** Who is known to this install. */
export interface People {
  /** The newest `limit`, whoever wrote last first. */
  list(limit: number): readonly Person[]
  find(user: UserId): Person | null
  /** IANA name; null for somebody who has chosen none. */
  zone(user: UserId): string | null
  /** Null to have none any more. The name is not checked here. Idempotent, synced. */
  setZone(user: UserId, zone: string | null): void
  /**
   * Takes away roles, logins, name and zone of a person and the words of their messages, in one synced transaction; rows stay,
   * so that nothing is taken in twice. What waits to be let in is dropped. Idempotent.
   */
  forget(user: UserId): Forgotten
}
