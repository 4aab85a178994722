import type { ChatId, GroupName, InboundId, UnixMs, UserId } from './ids.ts'

/** When a task is due. Times of day are read on the clock of the task's zone. */
export type Schedule =
  | { readonly kind: 'once'; readonly at: UnixMs }
  /** Five fields, or six with seconds first. */
  | { readonly kind: 'cron'; readonly expression: string }
  /** Every so many milliseconds since `from`. */
  | { readonly kind: 'every'; readonly ms: number; readonly from: UnixMs }

/** What becomes of times that went by while no host ran: one run for all of them, none, or each of them. */
export const MISFIRES = ['run_once', 'skip', 'all'] as const
export type Misfire = (typeof MISFIRES)[number]

/** `active` and `paused` may run again; the others never will. */
export type TaskState = 'active' | 'paused' | 'done' | 'cancelled' | 'failed'

/** Tasks of one group that may run again. */
export const MAX_TASKS = 100
/** Shortest time between two runs of a task. */
export const MIN_INTERVAL_MS = 60_000
export const MAX_JITTER_S = 3_600
export const MAX_SCRIPT_S = 60

/** What people and agents decide of a task. */
export interface TaskPlan {
  readonly name: string
  /** What the agent is told when it is due. */
  readonly prompt: string
  readonly schedule: Schedule
  /** IANA name. */
  readonly zone: string
  readonly misfire: Misfire
  /** It begins up to so many seconds later than it is due. */
  readonly jitterS: number
  /** Run in the sandbox ahead of the agent, which it may leave asleep. */
  readonly script: string | null
  readonly scriptS: number
}

export interface NewTask extends TaskPlan {
  /** The same key again is the same task. */
  readonly key: string
  readonly group: GroupName
  /** Where it runs and what it says is said. */
  readonly chatId: ChatId
  readonly thread: string | undefined
  /** With whose rights it runs. */
  readonly createdBy: UserId
  readonly createdByName: string
  readonly createdAt: UnixMs
  readonly due: Due | null
  /** Skipped while nobody has said anything to the agent since it last ran. */
  readonly afterTalk?: boolean
}

export interface Task extends Omit<NewTask, 'key'> {
  readonly id: number
  readonly state: TaskState
  /** Why it will not run, when that was nobody's wish. */
  readonly reason: string | null
}

/** When it is due by its schedule, and when it begins. */
export interface Due {
  readonly dueAt: UnixMs
  readonly fireAt: UnixMs
}

/** One time that a task was due. */
export interface TaskRun {
  readonly dueAt: UnixMs
  readonly at: UnixMs
  readonly inboundId: InboundId | null
  /** `waiting`: for its turn; `skipped`: it was not begun, and `reason` says why. */
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled' | 'skipped'
  readonly reason: string | null
  readonly endedAt: UnixMs | null
}

/** A task as people name it. */
export function taskTitle({ id, name }: Pick<Task, 'id' | 'name'>): string {
  return `task ${id} (${name})`
}
