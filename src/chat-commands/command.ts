import type { Groups } from '../config/groups.ts'
import type { GroupConfig } from '../config/schema.ts'
import { ConfigError } from '../domain/errors.ts'
import type { ChatId, GroupName } from '../domain/ids.ts'
import type { AgentRequests } from '../domain/ports/agent-requests.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { EgressLogStore } from '../domain/ports/egress-log.ts'
import type { EgressRules } from '../domain/ports/egress-rules.ts'
import type { People } from '../domain/ports/people.ts'
import type { SessionChoices } from '../domain/ports/session-choices.ts'
import type { DispatchStore, InboundRow, Role, RunnerCommand } from '../domain/ports/stores.ts'
import type { TaskStore } from '../domain/ports/tasks.ts'
import type { UsageStore } from '../domain/ports/usage.ts'

export interface ChatCommandPorts {
  readonly choices: SessionChoices
  readonly dispatches: Pick<DispatchStore, 'activity'>
  readonly usage: Pick<UsageStore, 'sum'>
  readonly groups: Pick<Groups, 'load'>
  readonly clock: Pick<Clock, 'now'>
  readonly egressRules: Pick<EgressRules, 'inForce'>
  readonly tasks: Pick<TaskStore, 'list'>
  readonly requests: Pick<AgentRequests, 'openFor' | 'find'>
  readonly egressLog: Pick<EgressLogStore, 'totals'>
  readonly people: Pick<People, 'zone' | 'setZone'>
  /** IANA name; where the day begins. */
  readonly timezone: string
  readonly sandbox: (group: GroupName) => { state: 'asleep' | 'awake' | 'paused'; problem: string | null }
  /** The tool that the group uses in a chat now. */
  readonly doing: (group: GroupName, chatId: ChatId) => string | null
  /** Ends what the group does for this chat; says how many messages that was. */
  readonly stopTurns: (group: GroupName, chatId: ChatId) => number
}

/** One command, for one of the groups that listen to its sender. */
export interface CommandCall {
  readonly message: InboundRow
  readonly args: string
  readonly group: GroupName
  /** As the router names it, without its epoch. */
  readonly session: string
  /** All chats of the group share this conversation. */
  readonly shared: boolean
  readonly roles: readonly Role[]
}

/** What becomes of it: an answer of the host, or a request to the runtime or its runner in the order of its session. */
export type CommandOutcome = { readonly answer: string } | { readonly forward: RunnerCommand }

/** One thing that people can say to the host itself. Carried out when it is routed, also while a turn runs. */
export interface ChatCommand {
  readonly name: string
  readonly args?: string
  /** One line, for `/help` and for the platform's own list. */
  readonly help: string
  /** `admin`: owners, and admins of the group; else everybody who is let in. */
  readonly who: 'anyone' | 'admin'
  /** Doing it twice for one message does it once, or does no harm. */
  run(call: CommandCall, ports: ChatCommandPorts): CommandOutcome
}

/** Whether these roles allow what is for owners and admins. */
export function isAdmin(roles: readonly Role[]): boolean {
  return roles.includes('owner') || roles.includes('admin')
}

/** The settings of a group as they are now; null when they are broken. */
export function settingsOf(group: GroupName, groups: Pick<Groups, 'load'>): GroupConfig | null {
  try {
    return groups.load(group)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return null
  }
}
