import type { Decisions } from '../approvals/decisions.ts'
import { answerCommand } from '../chat-commands/answer.ts'
import type { ChatCommandPorts } from '../chat-commands/command.ts'
import type { Notices } from '../delivery/notices.ts'
import { type SenderPolicy, usualQueue } from '../domain/binding.ts'
import type { ChatId, GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  DirectoryStore,
  DispatchPlan,
  InboundRow,
  InboundStore,
  RoleStore,
} from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import type { StepResult } from '../pump.ts'
import { type Admission, DEFAULT_BINDING } from './admission.ts'
import { matchesPattern } from './pattern.ts'
import { type RouteFacts, type Routing, route } from './router.ts'
import { sessionInEpoch } from './session-name.ts'

export interface RoutingPorts {
  readonly inbound: InboundStore
  readonly directory: DirectoryStore
  readonly roles: RoleStore
  readonly admission: Admission
  readonly events: Events
  readonly clock: Clock
  readonly unknownChats: SenderPolicy
  readonly defaultGroup: () => GroupName | null
  readonly notices: Notices
  readonly commands: ChatCommandPorts
  readonly decisions: Pick<Decisions, 'take' | 'answeredInWords'>
  readonly nudge: (group: GroupName) => void
}

/** Far more than an album takes. */
const MAX_GATHER_MS = 60_000

/** Step of the routing pump: the oldest unrouted message of one chat gets its dispatches, or the reason why not. */
export function routeNext(chatId: ChatId, ports: RoutingPorts): StepResult {
  const message = ports.inbound.nextNew(chatId)
  if (!message) return 'idle'
  const gathering = message.gatherUntil - ports.clock.now()
  // One that is longer was set by a clock that has gone back since.
  if (gathering > 0 && gathering <= MAX_GATHER_MS) return { waitMs: gathering }
  if (ports.admission.handleOwnerCommand(message)) {
    ports.inbound.routed(message.id, 'dropped', 'a command for the host, carried out', [], ports.clock.now())
    return 'again'
  }
  if (ports.admission.handlePairing(message)) {
    ports.inbound.routed(message.id, 'dropped', 'a pairing code', [], ports.clock.now())
    return 'again'
  }
  const facts = gatherFacts(message, ports)
  if (ports.decisions.take(message, facts.bindings)) {
    ports.inbound.routed(message.id, 'dropped', 'a decision, taken', [], ports.clock.now())
    return 'again'
  }
  const routing = handleCommand(message, facts, ports) ?? boundHeld(message, route(message, facts), ports)
  // Asked before it is held: killed between the two, the host routes it again and the question is known by its key.
  if (routing.state === 'held') ports.admission.ask(message, routing.reason ?? '')
  const plans = routing.plans.map((plan) => inEpoch(plan, ports.commands))
  ports.decisions.answeredInWords(message, plans, facts.bindings)
  ports.inbound.routed(message.id, routing.state, routing.reason, plans, ports.clock.now())
  ports.events.routed(message.id, routing)
  for (const plan of routing.plans) ports.nudge(plan.group)
  return 'again'
}

/** Commands to the host are carried out here, on their own way, so that a running turn does not hold them up. */
function handleCommand(message: InboundRow, facts: RouteFacts, ports: RoutingPorts): Routing | null {
  const plans = answerCommand(message, facts.bindings, { ...ports.commands, notices: ports.notices })
  if (plans === null) return null
  if (plans.length > 0) return { state: 'routed', reason: null, plans }
  return { state: 'dropped', reason: 'a command for the host, carried out', plans }
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
