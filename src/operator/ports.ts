import type { Decisions } from '../approvals/decisions.ts'
import type { Groups } from '../config/groups.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { ApprovalStore } from '../domain/ports/approvals.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { EgressLogStore } from '../domain/ports/egress-log.ts'
import type { EgressRules } from '../domain/ports/egress-rules.ts'
import type { GroupTraces } from '../domain/ports/group-traces.ts'
import type { MemoryReader } from '../domain/ports/memory.ts'
import type { OverviewStore } from '../domain/ports/overview.ts'
import type { PackageStore } from '../domain/ports/packages.ts'
import type { PairingCodes } from '../domain/ports/pairing.ts'
import type { People } from '../domain/ports/people.ts'
import type { DeliveryLog, TurnLog } from '../domain/ports/relay-log.ts'
import type { SessionChoices } from '../domain/ports/session-choices.ts'
import type { DirectoryStore, InboundStore, RoleStore } from '../domain/ports/stores.ts'
import type { TaskStore } from '../domain/ports/tasks.ts'
import type { ToolServerStore } from '../domain/ports/tool-servers.ts'
import type { UsageStore } from '../domain/ports/usage.ts'
import type { Vault } from '../domain/ports/vault.ts'
import type { WebLogins } from '../domain/ports/web-logins.ts'
import type { ImageWish } from '../packages/image-wish.ts'
import type { PackageProgress } from '../packages/package-images.ts'
import type { Admission } from '../routing/admission.ts'
import type { CheckResult } from '../secrets/secret-check.ts'

/** What is alive right now; the null object stands for "no host runs". */
export interface Live {
  running(): boolean
  group(group: GroupName): { state: 'asleep' | 'awake' | 'paused'; problem: string | null }
  channels(): readonly { name: string; account: string; problem: string | null }[]
  engineProblem(): string | null
  webUrl(): string
  /**
   * How long the host's event loop was held up, in milliseconds: p99 of the last ten seconds, the longest since the
   * start, and in how many windows of ten seconds it was more than 50; null when no host runs.
   */
  loopDelay(): { readonly p99Ms: number; readonly maxMs: number; readonly heldUp: number } | null
  /** The last lines of a group's sandbox; '' when it has none. */
  sandboxLogs(group: GroupName, lines: number): Promise<string>
  /** Begins a graceful end of the host and its sandboxes. */
  shutDown(): void
  /** Whether something said in the terminal chat of a group is unanswered, or a line on its way there. */
  terminalPending(group: GroupName): boolean
  nudgeGroup(group: GroupName): void
  /** How far an image with packages is; sees to it that it is built. Throws `unavailable` when no host runs. */
  packageProgress(wish: ImageWish, since: UnixMs): Promise<PackageProgress>
  nudgeChat(chat: ChatId): void
  /** There is something to send to this chat. */
  nudgeDelivery(chat: ChatId): void
}

/** What the operator's commands work on. */
export interface OperatorPorts {
  readonly groups: Groups
  readonly directory: DirectoryStore
  readonly inbound: InboundStore
  readonly roles: RoleStore
  readonly people: People
  readonly pairings: PairingCodes
  readonly logins: WebLogins
  readonly overview: OverviewStore
  readonly usage: UsageStore
  readonly deliveryLog: DeliveryLog
  readonly turnLog: TurnLog
  readonly admission: Admission
  readonly approvals: Pick<ApprovalStore, 'find' | 'list'>
  readonly decisions: Pick<Decisions, 'byOperator'>
  readonly live: Live
  readonly clock: Clock
  readonly vault: Vault
  readonly memory: MemoryReader
  readonly packages: PackageStore
  readonly groupTraces: GroupTraces
  readonly tasks: TaskStore
  readonly choices: Pick<SessionChoices, 'of'>
  readonly egressRules: EgressRules
  readonly toolServers: ToolServerStore
  readonly egressLog: EgressLogStore
  /** Tries a secret with one cheap real call; renews a login that is due. Throws `not_found`. */
  readonly testSecret: (name: string) => Promise<CheckResult>
  /** Tries whether voice messages can be transcribed. */
  readonly testVoice: () => Promise<CheckResult>
}

/** One thing that a person at the machine can ask for; runs in the host, or in the CLI when no host runs. */
export interface OperatorCommand {
  /** `args` come from outside: parse them. The result is JSON. */
  run(ports: OperatorPorts, args: unknown): Promise<unknown> | unknown
}
