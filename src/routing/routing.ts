import type { Decisions } from '../approvals/decisions.ts'
import { answerCommand } from '../chat-commands/answer.ts'
import type { ChatCommandPorts } from '../chat-commands/command.ts'
import { CHAT_COMMANDS } from '../chat-commands/table.ts'
import { typedCommand } from '../chat-commands/typed-command.ts'
import type { Notices } from '../delivery/notices.ts'
import { type SenderPolicy, usualQueue } from '../domain/binding.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { AttachmentStore } from '../domain/ports/files.ts'
import type {
  DirectoryStore,
  DispatchPlan,
  InboundRow,
  InboundStore,
  RoleStore,
} from '../domain/ports/stores.ts'
import type { WaitingStore } from '../domain/ports/waiting.ts'
import type { Events } from '../events.ts'
import type { StepResult } from '../pump.ts'
import { type Admission, DEFAULT_BINDING } from './admission.ts'
import type { Bounds } from './bounds.ts'
import { debounceRun } from './debounce.ts'
import { bundled, LATE_AT_ONCE, lateWaitMs, tooOld, tooOldText } from './late-messages.ts'
import { matchesPattern } from './pattern.ts'
import { isLetIn, type RouteFacts, type Routing, route } from './router.ts'
import { sessionInEpoch } from './session-name.ts'

export interface RoutingPorts {
  readonly inbound: InboundStore
  readonly waiting: WaitingStore
  readonly attachments: Pick<AttachmentStore, 'of'>
  readonly directory: DirectoryStore
  readonly roles: RoleStore
  readonly admission: Admission
  readonly bounds: Bounds
  readonly events: Events
  readonly clock: Clock
  readonly unknownChats: SenderPolicy
  readonly defaultGroup: () => GroupName | null
  readonly notices: Notices
  readonly commands: ChatCommandPorts
  readonly decisions: Pick<Decisions, 'take' | 'answeredInWords'>
  readonly nudge: (group: GroupName) => void
}

/** A message and what becomes of it. */
interface Decided {
  readonly message: InboundRow
  readonly routing: Routing
  readonly facts: RouteFacts
}

/** Messages of one chat that are routed in one step, oldest first; or it is too early. */
type Run = readonly Decided[] | { readonly waitMs: number }

/** Far more than an album takes. */
const MAX_GATHER_MS = 60_000
const MOST_DEBOUNCED = 50
/** How far is looked for a word to the host before another. */
const LOOKED_AT = 20
const HOST_WORDS: ReadonlySet<string> = new Set([
  ...['allow', 'deny', 'approve', 'reject', 'answer'],
  ...CHAT_COMMANDS.map(({ name }) => name),
])
/** What was told of too old messages shortly before is counted again. */
const TOLD_TOGETHER_MS = 600_000
const CARRIED_OUT = 'a command for the host, carried out'

/**
 * Step of the routing pump: the oldest unrouted message of one chat gets its dispatches, or the reason why not; and
 * those with it that are answered together. What counts at once (`/stop`) does not wait for what came before it.
 */
export function routeNext(chatId: ChatId, ports: RoutingPorts): StepResult {
  const next = ports.inbound.nextNew(chatId)
  if (!next) return 'idle'
  const message = next.urgent ? firstWord(next, ports) : next
  if (message.urgent) return routeUrgent(message, ports)
  const gathering = message.gatherUntil - ports.clock.now()
  // One that is longer was set by a clock that has gone back since.
  if (gathering > 0 && gathering <= MAX_GATHER_MS) return { waitMs: gathering }
  const run = message.lateMs > 0 ? lateRun(message, ports) : liveRun(message, ports)
  if ('waitMs' in run) return run
  for (const decided of run) finish(decided, ports)
  return 'again'
}

function finish({ message, routing, facts }: Decided, ports: RoutingPorts): void {
  // Asked before it is held: killed between the two, the host routes it again and the question is known by its key.
  if (routing.state === 'held') ports.admission.ask(message, routing.reason ?? '')
  const given = routing.plans.filter(({ aside }) => aside === undefined)
  ports.decisions.answeredInWords(message, given, facts.bindings)
  ports.inbound.routed(message.id, routing.state, routing.reason, routing.plans, ports.clock.now())
  ports.events.routed(message.id, routing)
  for (const plan of routing.plans) ports.nudge(plan.group)
}

/** What is said now: by itself, or with what its sender types right after it. */
function liveRun(message: InboundRow, ports: RoutingPorts): Run {
  const decided = decide(message, ports)
  const { routing, facts } = decided
  const groups = new Set(routing.plans.flatMap((plan) => (plan.command === undefined ? [plan.group] : [])))
  const waits = facts.bindings.map(({ binding }) => (groups.has(binding.group) ? binding.debounceMs : 0))
  const debounceMs = Math.max(0, ...waits)
  if (debounceMs === 0) return [bounded(decided, ports)]
  const after = ports.waiting.newAfter(message, MOST_DEBOUNCED - 1)
  const isFile = (row: InboundRow) => ports.attachments.of(row.id).length > 0
  const run = debounceRun(message, after, debounceMs, ports.clock.now(), isFile)
  if (run.waitMs > 0) return { waitMs: run.waitMs }
  const others = run.with.map((row) => continued(decide(row, ports), routing))
  return together([decided, ...others], 1, ports)
}

/** Typed in the same breath, so for the same agents, unless it answers somebody else. */
function continued(decided: Decided, first: Routing): Decided {
  if (decided.routing.state !== 'heard' || decided.message.quote) return decided
  return { ...decided, routing: first }
}

/** What piled up while the channel was silent: too old for an answer, or answered together when it is much. */
function lateRun(message: InboundRow, ports: RoutingPorts): Run {
  const { waiting, clock, notices } = ports
  const { catchUp } = ports.bounds
  const after = waiting.newAfter(message, LATE_AT_ONCE)
  const live = after.findIndex((row) => row.lateMs === 0 || row.urgent)
  const rows = [message, ...(live < 0 ? after : after.slice(0, live))].slice(0, LATE_AT_ONCE)
  const waitMs = lateWaitMs(rows, catchUp, clock.now())
  if (waitMs > 0) return { waitMs }
  const all = rows.map((row) => {
    const decided = decide(row, ports)
    const { routing } = decided
    return { ...decided, routing: { ...routing, plans: tooOld(row, routing.plans, catchUp) } }
  })
  const old = all.filter(({ routing }) => routing.plans.some((plan) => plan.aside?.kind === 'old'))
  const newest = old.at(-1)
  if (newest && after.length < LATE_AT_ONCE) {
    const before = waiting.tooOldSince(message.chatId, (message.receivedAt - TOLD_TOGETHER_MS) as UnixMs)
    const text = tooOldText(before + old.length, catchUp)
    const { id, chatId, address } = newest.message
    notices.toChat(chatId, address.thread, text, `catch-up:${id}`)
  }
  return together(all, catchUp.collect, ports)
}

function together(all: readonly Decided[], moreThan: number, ports: RoutingPorts): readonly Decided[] {
  const one = all.map((decided) => bounded(decided, ports))
  if (moreThan === 0) return one
  const plans = bundled(
    one.map(({ message: { id }, routing }) => ({ id, plans: routing.plans })),
    moreThan,
  )
  return one.map((decided, index) => ({
    ...decided,
    routing: { ...decided.routing, plans: plans[index] ?? [] },
  }))
}

function bounded(decided: Decided, { bounds }: RoutingPorts): Decided {
  const { message, routing, facts } = decided
  if (routing.state !== 'routed') return decided
  const policies = new Map(facts.bindings.map(({ binding }) => [binding.group, binding.whenFull]))
  const plans = bounds.apply(message, routing.plans, (group) => policies.get(group) ?? 'keep')
  return { ...decided, routing: { ...routing, plans } }
}

function decide(message: InboundRow, ports: RoutingPorts): Decided {
  const facts = gatherFacts(message, ports)
  const taken = takenByHost(message, facts, ports)
  if (taken !== null) return { message, facts, routing: { state: 'dropped', reason: taken, plans: [] } }
  const routing = handleCommand(message, facts, ports) ?? boundHeld(message, route(message, facts), ports)
  const plans = routing.plans.map((plan) => inEpoch(plan, ports.commands))
  return { message, facts, routing: { ...routing, plans } }
}

/** What is for the host and no agent, and the host has done; null when it is something else. Idempotent. */
function takenByHost(message: InboundRow, facts: RouteFacts, ports: RoutingPorts): string | null {
  if (ports.admission.handleOwnerCommand(message)) return CARRIED_OUT
  if (ports.admission.handlePairing(message)) return 'a pairing code'
  return ports.decisions.take(message, facts.bindings) ? 'a decision, taken' : null
}

/** Commands to the host are carried out here, on their own way, so that a running turn does not hold them up. */
function handleCommand(message: InboundRow, facts: RouteFacts, ports: RoutingPorts): Routing | null {
  if (!isHostWord(message)) return null
  const refused = facts.bindings.some(isLetIn) ? ports.bounds.refuseCommand(message) : null
  if (refused !== null) return { state: 'dropped', reason: refused, plans: [] }
  const plans = answerCommand(message, facts.bindings, { ...ports.commands, notices: ports.notices })
  if (plans === null) return null
  if (plans.length > 0) return { state: 'routed', reason: null, plans }
  return { state: 'dropped', reason: CARRIED_OUT, plans }
}

/** Words to the host keep their order: what was chosen, and then shown. Long before them in a flood, they need not. */
function firstWord(urgent: InboundRow, { waiting }: RoutingPorts): InboundRow {
  const before = waiting.newBefore(urgent, LOOKED_AT)
  return before.some((row) => row.urgent || isHostWord(row)) ? (before[0] ?? urgent) : urgent
}

function isHostWord(row: InboundRow): boolean {
  const name = typedCommand(row)?.name
  return name !== undefined && HOST_WORDS.has(name)
}

/** Before all that waits in its chat. A `/stop` ends that, too: it stands before it in the chat. */
function routeUrgent(message: InboundRow, ports: RoutingPorts): StepResult {
  const { waiting, commands } = ports
  const facts = gatherFacts(message, ports)
  // Only when all agents of the chat listen to who says it: they are not to lose what is for them.
  const stops = typedCommand(message)?.name === 'stop' && facts.bindings.every(isLetIn)
  const dropWaiting = () => (stops ? waiting.dropNew(message.chatId, message.id, 'stopped by a person') : 0)
  const routing = handleCommand(message, facts, {
    ...ports,
    commands: { ...commands, stopTurns: (group, chat) => dropWaiting() + commands.stopTurns(group, chat) },
  })
  if (routing === null) waiting.notUrgent(message.id)
  else finish({ message, routing, facts }, ports)
  return 'again'
}

/** The same plan under the name that the conversation has since it was last begun anew. */
function inEpoch(plan: DispatchPlan, { choices }: ChatCommandPorts): DispatchPlan {
  const { epoch } = choices.of(plan.group, plan.session)
  return { ...plan, session: sessionInEpoch(plan.session, epoch) }
}

/** What strangers may pile up in one chat before anybody has let them in (I13). */
const MAX_HELD = 100

function boundHeld(message: InboundRow, routing: Routing, { inbound }: RoutingPorts): Routing {
  if (routing.state !== 'held' || inbound.heldIn(message.chatId) < MAX_HELD) return routing
  return { state: 'dropped', reason: `${MAX_HELD} messages of this chat wait already`, plans: [] }
}

function gatherFacts(message: InboundRow, ports: RoutingPorts): RouteFacts {
  const { directory, roles } = ports
  let bindings = directory.bindings(message.chatId)
  const chat = directory.chat(message.chatId)
  const letIn = bindings.length === 0 && ports.unknownChats === 'open' && !chat?.denied
  const defaultGroup = letIn ? ports.defaultGroup() : null
  if (defaultGroup) {
    const queue = usualQueue(message.chatKind)
    const settings = { ...DEFAULT_BINDING, senders: 'open' as const, queue }
    bindings = [directory.bind(message.chatId, defaultGroup, settings, ports.clock.now())]
  }
  return {
    chatDenied: chat?.denied ?? false,
    unknownChats: ports.unknownChats,
    bindings: bindings.map((binding) => ({
      binding,
      roles: roles.roles(message.senderId, binding.group),
      stickyOpen: directory.stickyOpen(binding.id, message.address.thread ?? ''),
      patternMatches: binding.pattern !== undefined && matchesPattern(binding.pattern, message.text),
    })),
  }
}
