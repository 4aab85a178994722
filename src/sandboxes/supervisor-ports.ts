import type { Groups } from '../config/groups.ts'
import type { GroupConfig, InstallConfig } from '../config/schema.ts'
import type { GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Mailbox } from '../domain/ports/mailbox.ts'
import type { SandboxEngine, SandboxSpec, SpecHash } from '../domain/ports/sandbox.ts'
import type { DispatchStore } from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import type { GroupProblems } from './group-problems.ts'

/** What the supervisor works with. */
export interface SupervisorPorts {
  readonly engine: SandboxEngine
  readonly groups: Groups
  readonly dispatches: Pick<DispatchStore, 'hasOpen' | 'open'>
  readonly mailbox: Pick<Mailbox, 'heartbeatAt'>
  readonly clock: Clock
  readonly random: () => number
  readonly events: Events
  readonly limits: InstallConfig['limits']
  /** Decides image, mounts and limits of a group. Throws CreelError when it cannot run. */
  readonly specOf: (group: GroupName, config: GroupConfig) => Promise<SandboxSpec>
  readonly specHash: SpecHash
  /** Makes folders, mailbox files, settings and doorbell of a group. Idempotent. */
  readonly prepare: (group: GroupName, config: GroupConfig) => Promise<void>
  readonly problems: GroupProblems
  /** Whether all its messages wait for one of its own bounds. */
  readonly isHeldBack: (group: GroupName) => boolean
  readonly nudge: (group: GroupName) => void
  /** Its sandbox writes nothing any more: what it wrote last may not have been rung for. */
  readonly exited: (group: GroupName) => void
}
