import type { HostWord } from '../host-word.ts'
import type { ChatId, GroupName, InboundId, UnixMs } from '../ids.ts'
import type { Due, NewTask, Task, TaskPlan, TaskRun, TaskState } from '../task.ts'

/** What becomes of a task whose time has come; all of it is one synced transaction. */
export interface Claim {
  readonly task: Task
  /** Runs that begin now: each is a message of the host to the agent. */
  readonly begun: readonly { readonly dueAt: UnixMs; readonly word: HostWord }[]
  /** Times at which it was not begun, with why. */
  readonly skipped: readonly { readonly dueAt: UnixMs; readonly reason: string }[]
  /** Null: never again. */
  readonly next: Due | null
  readonly state: TaskState
  readonly reason: string | null
}

/** Tasks in the host's database. Each write is one synced transaction. */
export interface TaskStore {
  /** Makes it, and returns it; one whose key is known is returned as it is. */
  add(task: NewTask): Task
  find(id: number): Task | null
  /** Of one group, or of all; oldest first. `open`: only those that may run again. */
  list(of: { readonly group?: GroupName; readonly open: boolean }, limit: number): readonly Task[]
  /** Those of a group that may run again. */
  countOpen(group: GroupName): number
  /** Groups with a task that begins until `at`. */
  groupsDue(at: UnixMs): readonly GroupName[]
  /** Tasks of the group that begin until `at`, the earliest first. */
  due(group: GroupName, at: UnixMs, limit: number): readonly Task[]
  /** Whether a run of it has not ended. */
  isAtWork(id: number): boolean
  /** Whether people have said something to its agent, in any chat, since its last run began; ever, when it had none. */
  hasHeard(task: Pick<Task, 'id' | 'group'>): boolean
  /**
   * Carries claims out. One whose task was changed since it was read does nothing, and a time that was begun or skipped
   * before is not begun again. Returns the groups' messages that were made.
   */
  claim(claims: readonly Claim[], at: UnixMs): number
  /** Begins a run now, besides those of the schedule. False when there was one for that time. */
  begin(id: number, run: Claim['begun'][number], at: UnixMs): boolean
  /** False when it is over, or gone. */
  change(id: number, plan: TaskPlan, due: Due | null): boolean
  /** Pauses, goes on or ends; false when it is over. One that failed may go on. */
  setState(id: number, state: TaskState, due: Due | null): boolean
  /** The newest runs, newest first. */
  runs(id: number, limit: number): readonly TaskRun[]
  /** The task that this message is a run of. */
  ofInbound(id: InboundId): Task | null
  /** Active ones that should have begun before, oldest first. */
  overdue(before: UnixMs, limit: number): readonly Task[]
  /** Active and paused ones that belong to the chat. */
  inChat(chatId: ChatId): readonly Task[]
}
