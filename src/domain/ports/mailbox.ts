import type { InboxEntry, OutboxEntry, RunnerSettings } from '@creel/protocol'
import type { GroupName, UnixMs } from '../ids.ts'

export interface NewInboxEntry {
  readonly key: string
  readonly entry: InboxEntry
}

/**
 * The host's end of every group's inbox. What is small and rare is synchronous. Calls for one group that are under way
 * at once are carried out in any order, each as a whole.
 */
export interface Mailbox {
  /** Makes folders and both files; rolls back what a killed host left half done. Idempotent. */
  open(group: GroupName): void | Promise<void>
  /** Appends one synced entry; the same key again is a no-op that returns the first position. */
  put(group: GroupName, key: string, entry: InboxEntry, at: UnixMs): number
  /** The same for several entries, in one synced commit: all of them or none. Returns their positions in order. */
  putAll(group: GroupName, items: readonly NewInboxEntry[], at: UnixMs): Promise<readonly number[]>
  /** Deletes what the group no longer needs, up to `seq`, keeping the unsettled entries named. */
  prune(group: GroupName, seq: number, keep: readonly number[]): Promise<void>
  /** Settings for the next runner, replaced atomically. */
  writeSettings(group: GroupName, settings: RunnerSettings): void
  /** When the runner last gave a sign of life; null when never. Never follows a link. */
  heartbeatAt(group: GroupName): UnixMs | null
  /** Lets what is under way end. */
  close(): void | Promise<void>
}

export type OutboxItem =
  | { readonly seq: number; readonly entry: OutboxEntry }
  /** Not understood; kept out of everything, counted, shown. */
  | { readonly seq: number; readonly rejected: string }

export type OutboxBatch =
  | { readonly kind: 'entries'; readonly items: readonly OutboxItem[]; readonly more: boolean }
  /** A writer is at it right now; try again in a moment. */
  | { readonly kind: 'busy' }
  /** A killed runner left a half-done commit; only its writer may roll it back: start the sandbox. */
  | { readonly kind: 'unfinished' }
  /** Not what a runner of ours writes. The group is set aside, others go on. */
  | { readonly kind: 'rejected'; readonly reason: string }

/**
 * Reads an outbox as hostile input, in a process that can be killed (invariant I4). Calls for different groups
 * may run concurrently; a hostile group costs others at most one deadline, once.
 */
export interface OutboxReader {
  /** Entries after `after`, oldest first. Never throws for anything a sandbox can do. */
  read(group: GroupName, after: number, limit: number): Promise<OutboxBatch>
  close(): Promise<void>
}

/** Shortens waits between host and runner; carries no data. */
export interface Doorbell {
  /** Makes the group's socket; `onRing` is called for each burst of rings. Idempotent. */
  open(group: GroupName, onRing: () => void): Promise<void>
  /** Best effort. */
  ring(group: GroupName): void
  /** Whether a runner is listening right now. */
  connected(group: GroupName): boolean
  close(): Promise<void>
}
