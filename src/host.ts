// Composition root of the host: every box of the diagram in ARCHITECTURE.md, in its order.
import { agentParts } from './agent-parts.ts'
import type { Agents } from './agents/agents.ts'
import { approvalParts } from './approval-parts.ts'
import type { Approvals } from './approvals/approvals.ts'
import { type AttachmentWork, attachmentParts } from './attachment-parts.ts'
import { callParts } from './call-parts.ts'
import type { Calls } from './calls/calls.ts'
import type { Channels } from './channels.ts'
import type { ChatCommandPorts } from './chat-commands/command.ts'
import { Notices } from './delivery/notices.ts'
import { Outgoing } from './delivery/outgoing.ts'
import { tellProblem } from './delivery/problem-notices.ts'
import { ProgressBoard } from './delivery/progress-board.ts'
import type { ChatId, GroupName } from './domain/ids.ts'
import type { FileStore, GroupFiles } from './domain/ports/files.ts'
import type { Gateway } from './domain/ports/gateway.ts'
import type { Doorbell, Mailbox, OutboxReader } from './domain/ports/mailbox.ts'
import type { SandboxEngine } from './domain/ports/sandbox.ts'
import type { Transcriber } from './domain/ports/transcription.ts'
import { Events } from './events.ts'
import { type InboundParts, inboundParts } from './inbound-parts.ts'
import { collect } from './mail/collector.ts'
import { dispatchNext } from './mail/dispatcher.ts'
import { OutboxRound } from './mail/outbox-round.ts'
import { bindOwnChats } from './operator/group-commands.ts'
import { packageParts } from './package-parts.ts'
import type { PackageImages } from './packages/package-images.ts'
import { Pump, type PumpOptions, type StepResult } from './pump.ts'
import { Admission } from './routing/admission.ts'
import { stopTurns } from './routing/stop-turns.ts'
import { type BudgetPorts, isHeldBack, turnBudget } from './routing/turn-budget.ts'
import { prepareSandbox, type SandboxParts, specOf } from './sandbox-parts.ts'
import { drained } from './sandboxes/drained.ts'
import { EngineWatch } from './sandboxes/engine-watch.ts'
import { GroupMail } from './sandboxes/group-mail.ts'
import { GroupProblems } from './sandboxes/group-problems.ts'
import { specHash } from './sandboxes/sandbox-spec.ts'
import { Supervisor } from './sandboxes/supervisor.ts'
import { taskParts } from './task-parts.ts'
import type { Tasks } from './tasks/tasks.ts'

/** What a host is built from; tests put their own in. */
export interface HostParts extends SandboxParts {
  readonly engine: SandboxEngine
  readonly mailbox: Mailbox
  readonly reader: OutboxReader
  readonly doorbell: Doorbell
  /** The way out of the sandboxes. */
  readonly gateway: Gateway
  readonly channels: Channels
  /** The host's own files, and what of them each group may read. */
  readonly files: FileStore
  readonly groupFiles: GroupFiles
  /** Writes voice messages down; null when that is not set up. */
  readonly transcriber: Transcriber | null
  readonly random: () => number
}

/** Lanes of each pump that work at once; more of them where what many do is one commit. */
const LANES = 32
const SHARING_LANES = 256
const PUMP = { pollMs: 1_000, backoff: { baseMs: 200, maxMs: 30_000 } }

export class Host {
  readonly parts: HostParts
  readonly admission: Admission
  readonly supervisor: Supervisor
  readonly approvals: Approvals
  readonly packages: PackageImages
  readonly #agents: Agents
  readonly #routing: Pump<ChatId>
  readonly #dispatch: Pump<GroupName>
  readonly #supervise: Pump<GroupName>
  readonly #collect: Pump<GroupName>
  readonly #outgoing: Outgoing
  readonly #attached: AttachmentWork
  readonly #calls: Calls
  readonly #tasks: Tasks
  readonly #engine: EngineWatch
  readonly #board: ProgressBoard
  readonly notices: Notices
  readonly #intakes: InboundParts['intakes']
  readonly #mail: GroupMail
  #ended: Promise<void> | null = null

  constructor(parts: HostParts) {
    this.parts = parts
    const { core, channels, mailbox, files, groupFiles, log, random } = parts
    const { inbound, directory, roles, dispatches, deliveries, outboxes, clock, groups, defaultGroup } = core
    const { pairings, attachments, choices, usage, waiting, tasks } = core
    const pump = { ...PUMP, clock, log, random }
    const events = new Events(log)
    const channelOf = channels.find
    const notices = new Notices({
      ...{ deliveries, directory, roles, channelOf, clock },
      homeOf: (chatId) => core.agentRequests.homeOf(chatId),
      nudge: (chatId) => this.#outgoing.nudge(chatId),
    })
    this.notices = notices
    const problems = new GroupProblems({
      ...{ clock, events },
      tell: (group, problem, since) => tellProblem(group, problem, since, { dispatches, notices }),
    })
    this.admission = new Admission({
      ...{ inbound, directory, roles, pairings, notices, clock, defaultGroup },
      nudge: (chatId) => this.#routing.nudge(chatId),
    })
    const { limits, chats } = core.install.config
    const { timezone } = core.install.env
    const budget: BudgetPorts = { groups, dispatches, usage, clock, timezone }
    this.#board = new ProgressBoard({
      ...{ dispatches, directory, channelOf, clock, events, log, random, notes: core.notes },
      afterMs: chats.progress_after_s * 1000,
      isAwake: (group) => this.supervisor.status(group).state === 'awake',
    })
    const maxFileBytes = core.install.config.files.max_mb * 1_000_000
    const commands: ChatCommandPorts = {
      ...{ choices, dispatches, usage, groups, clock, timezone },
      ...{ tasks, people: core.people, requests: core.agentRequests },
      ...{ egressRules: core.egressRules, egressLog: core.egressLog },
      doing: (group, chatId) => this.#board.doing(group, chatId),
      sandbox: (group) => this.supervisor.status(group),
      stopTurns: (group, chatId) =>
        stopTurns(group, chatId, { dispatches, clock, nudge: (name) => this.#dispatch.nudge(name) }) +
        this.#agents.stopFor(chatId),
    }
    const nudge = (group: GroupName) => this.#dispatch.nudge(group)
    this.packages = packageParts(parts, this, pump)
    this.approvals = approvalParts(core, { notices, channelOf, events, nudge, host: this }, pump)
    const { intakes, routing } = inboundParts(
      core,
      {
        ...{ admission: this.admission, decisions: this.approvals.decisions, commands },
        ...{ channels, notices, events, log },
        nudge: (group, chatId) => {
          this.#attached.nudge(chatId)
          this.#dispatch.nudge(group)
        },
      },
      { ...pump, maxConcurrent: SHARING_LANES },
    )
    this.#intakes = intakes
    this.#routing = routing
    this.#dispatch = this.#pump<GroupName>('dispatch', {
      maxConcurrent: SHARING_LANES,
      keys: () => dispatches.groupsWithPending(),
      step: (group) =>
        dispatchNext(group, {
          ...{ inbound, dispatches, deliveries, mailbox, directory, events, clock, choices, notices },
          ...{ attachments, files, groupFiles, waiting, roles, tasks, commits: core.commits },
          budget: (name) => turnBudget(name, budget),
          queueBound: chats.queue_bound,
          contextMessages: limits.context_messages,
          nudge: (name) => this.#mailArrived(name),
        }),
    })
    const { transcriber } = parts
    this.#attached = attachmentParts(core, { files, transcriber, channelOf, notices, events, nudge }, pump)
    const arrived = (group: GroupName) => this.#mailArrived(group)
    const nudgeBoth = (group: GroupName) => {
      nudge(group)
      arrived(group)
    }
    this.#agents = agentParts(core, { mailbox, notices, events, nudge: nudgeBoth }, pump)
    const toChats = { channelOf, nudgeDelivery: (chatId: ChatId) => this.nudgeDelivery(chatId) }
    const calling = { mailbox, events, files, nudge: arrived, agents: this.#agents, ...toChats }
    this.#calls = callParts(core, calling, pump)
    this.#tasks = taskParts(core, { notices, events, nudge }, pump)
    this.#mail = new GroupMail({
      ...{ mailbox, log, doorbell: parts.doorbell, gateway: parts.gateway },
      onRing: (group) => this.#collect.nudge(group),
    })
    this.supervisor = new Supervisor({
      isHeldBack: (group) => isHeldBack(group, budget),
      engine: parts.engine,
      ...{ groups, dispatches, mailbox, clock, random, events, specHash, problems },
      limits,
      specOf: (group, config) => specOf(core, this.packages, group, config, parts.skills),
      prepare: (group, config) => prepareSandbox(parts, this.#mail, group, config),
      nudge: (group) => this.#supervise.nudge(group),
      exited: (group) => this.#collect.nudge(group),
    })
    this.#supervise = this.#pump<GroupName>('supervisor', {
      keys: () => new Set([...this.supervisor.groups(), ...dispatches.groupsWithOpen()]),
      step: (group, signal) => this.#superviseOne(group, signal),
    })
    const round = new OutboxRound({ supervisor: this.supervisor, dispatches, clock })
    this.#collect = this.#pump<GroupName>('collector', {
      keys: () => round.groups(),
      step: (group) =>
        collect(group, {
          ...{ reader: parts.reader, outboxes, dispatches, deliveries, directory, mailbox, channelOf },
          ...{ files, maxFileBytes, events, clock, problems },
          ...{ board: this.#board, approvals: this.approvals, calls: this.#calls, agents: this.#agents },
          nudge: (name, chats) => this.#mailLeft(name, chats),
        }),
    })
    const maxAgeMs = limits.give_up_sending_after_h * 3_600_000
    this.#outgoing = new Outgoing({ deliveries, channelOf, events, clock, random, notices, maxAgeMs }, pump)
    this.#engine = new EngineWatch(
      {
        look: (signal) => this.supervisor.refresh(signal),
        recovered: () => this.#supervise.retryFailed(),
      },
      { clock, log, random },
    )
  }

  /** Begins everything; returns when the host takes messages. Throws CreelError when it cannot. */
  async start(): Promise<void> {
    const { core, channels } = this.parts
    bindOwnChats(core)
    for (const group of core.dispatches.groupsWithOpen()) await this.#mail.ensure(group)
    await channels.listen()
    this.#outgoing.start()
    this.#engine.start()
    for (const pump of [this.#collect, this.#supervise, this.#dispatch, this.#routing]) pump.start()
    const asking = [this.approvals, this.packages, this.#agents, this.#calls, this.#tasks]
    for (const part of [this.#attached, this.#board, ...asking]) part.start()
    void this.parts.files.sweep()
    this.#intakes.start()
  }

  get engineProblem(): string | null {
    return this.#engine.problem
  }

  nudgeGroup(group: GroupName): void {
    this.#dispatch.nudge(group)
    this.#supervise.nudge(group)
  }

  nudgeDelivery(chatId: ChatId): void {
    this.#outgoing.nudge(chatId)
  }

  nudgeChat(chatId: ChatId): void {
    this.#routing.nudge(chatId)
  }

  /**
   * Ends in the order of the flow: takes nothing new, gives running turns `drainMs` to end and their answers to
   * leave, stops. With `stopSandboxes` unfinished turns are handed back and begun again by the next host; without
   * it sandboxes go on and are adopted. Idempotent.
   */
  stop(options: { drainMs: number; stopSandboxes: boolean }): Promise<void> {
    this.#ended ??= this.#end(options)
    return this.#ended
  }

  async #end(options: { drainMs: number; stopSandboxes: boolean }): Promise<void> {
    const { core, reader, files, doorbell, gateway, mailbox, channels } = this.parts
    await this.#intakes.stop()
    await this.#tasks.stop()
    await this.#routing.stop(1_000)
    await this.#attached.stop()
    await this.#dispatch.stop(1_000)
    if (options.stopSandboxes) await drained(() => this.#isAtWork(), core.clock, options.drainMs)
    await this.#supervise.stop(5_000)
    if (options.stopSandboxes) await this.supervisor.stopAll()
    this.supervisor.release()
    await this.#engine.stop(1_000)
    this.#collect.nudgeAll()
    await this.#collect.stop(2_000)
    await this.#calls.stop()
    await this.#agents.stop()
    await this.approvals.stop()
    await this.packages.stop()
    await this.#outgoing.stop(5_000)
    await this.#board.stop()
    await channels.close()
    await doorbell.close()
    await gateway.close()
    await reader.close()
    await files.close()
    await mailbox.close()
    core[Symbol.dispose]()
  }

  #pump<Key extends string | number>(
    name: string,
    work: Pick<PumpOptions<Key>, 'keys' | 'step'> & Partial<Pick<PumpOptions<Key>, 'maxConcurrent'>>,
  ): Pump<Key> {
    const { core, log, random } = this.parts
    return new Pump<Key>({ ...PUMP, name, log, random, clock: core.clock, maxConcurrent: LANES, ...work })
  }

  #isAtWork(): boolean {
    const { dispatches } = this.parts.core
    return dispatches.groupsWithOpen().some((group) => this.supervisor.status(group).state === 'awake')
  }

  #mailArrived(group: GroupName): void {
    this.parts.doorbell.ring(group)
    this.#supervise.nudge(group)
  }

  #mailLeft(group: GroupName, chats: ReadonlySet<ChatId>): void {
    for (const chatId of chats) this.#outgoing.nudge(chatId)
    this.#supervise.nudge(group)
  }

  /** One whose sandbox outlived an earlier host needs its sockets again. */
  async #superviseOne(group: GroupName, signal: AbortSignal): Promise<StepResult> {
    const result = await this.supervisor.step(group, signal)
    if (this.supervisor.handle(group)) await this.#mail.ensure(group)
    return result
  }
}
