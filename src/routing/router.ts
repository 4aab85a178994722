import type { Binding, SenderPolicy } from '../domain/binding.ts'
import type { ChatId } from '../domain/ids.ts'
import type { DispatchPlan, InboundRow, InboundState, Role } from '../domain/ports/stores.ts'

/** One binding of the message's chat, with what the host knows about sender and thread. */
export interface BindingFacts {
  readonly binding: Binding
  readonly roles: readonly Role[]
  readonly stickyOpen: boolean
  readonly patternMatches: boolean
}

export interface RouteFacts {
  readonly bindings: readonly BindingFacts[]
  readonly chatDenied: boolean
  /** What happens to a chat that no agent answers. */
  readonly unknownChats: SenderPolicy
}

export interface Routing {
  readonly state: Exclude<InboundState, 'new'>
  readonly reason: string | null
  readonly plans: readonly DispatchPlan[]
}

/** Pure: decides from the host's own tables alone what becomes of a message (I8). */
export function route(message: InboundRow, facts: RouteFacts): Routing {
  if (facts.bindings.length === 0) return routeUnknownChat(message, facts)
  const verdicts = facts.bindings.map((binding) => ({ binding, verdict: judge(message, binding) }))
  const engaged = verdicts.filter((v) => v.verdict.state === 'routed')
  if (engaged.length > 0) {
    const left = verdicts.find((v) => v.verdict.state === 'held')
    return {
      state: 'routed',
      reason: left ? `not let in by ${left.binding.binding.group}` : null,
      plans: engaged.map((v) => plan(message, v.binding)),
    }
  }
  // The most hopeful of the others: something that can still be answered, then background, then the reason why not.
  const rest =
    verdicts.find((v) => v.verdict.state === 'held') ??
    verdicts.find((v) => v.verdict.state === 'heard') ??
    verdicts[0]
  return { state: rest?.verdict.state ?? 'dropped', reason: rest?.verdict.reason ?? null, plans: [] }
}

function routeUnknownChat(message: InboundRow, facts: RouteFacts): Routing {
  if (facts.chatDenied) return drop('the owner refused this chat')
  if (facts.unknownChats === 'strict') return drop('no agent answers this chat')
  if (message.senderIsBot) return { state: 'heard', reason: null, plans: [] }
  const addressed = message.chatKind === 'private' || message.mentionsUs
  return addressed
    ? { state: 'held', reason: 'unknown chat', plans: [] }
    : { state: 'heard', reason: null, plans: [] }
}

function judge(message: InboundRow, facts: BindingFacts): { state: Routing['state']; reason: string | null } {
  if (facts.roles.includes('denied')) return { state: 'dropped', reason: 'the owner refused this sender' }
  const known = facts.roles.length > 0
  const letIn = isLetIn(facts)
  if (!letIn && facts.binding.senders === 'strict') {
    return { state: 'dropped', reason: 'sender has no role here' }
  }
  // Two bots that answer each other never stop: a bot is listened to only when it was given a role.
  const engages = isEngaged(message, facts) && (known || !message.senderIsBot)
  if (engages) return letIn ? { state: 'routed', reason: null } : { state: 'held', reason: 'unknown sender' }
  // What a stranger says does not become background of a turn either: it could steer the agent.
  return letIn ? { state: 'heard', reason: null } : { state: 'dropped', reason: 'sender is not let in' }
}

/** Whether the group listens to this sender at all. */
export function isLetIn(facts: BindingFacts): boolean {
  if (facts.roles.includes('denied')) return false
  return facts.roles.length > 0 || facts.binding.senders === 'open'
}

function isEngaged(message: InboundRow, facts: BindingFacts): boolean {
  const addressed = message.mentionsUs || message.chatKind === 'private'
  switch (facts.binding.engage) {
    case 'always':
      return true
    case 'mention':
      return addressed
    case 'pattern':
      return facts.patternMatches
    case 'sticky':
      return addressed || facts.stickyOpen
  }
}

function plan(message: InboundRow, facts: BindingFacts): DispatchPlan {
  const { binding } = facts
  const base = { group: binding.group, session: sessionOf(message, binding) }
  return binding.engage === 'sticky' ? { ...base, openSticky: { bindingId: binding.id } } : base
}

/** The conversation a message belongs to, without its epoch. */
export function sessionOf(message: InboundRow, binding: Binding): string {
  return sessionIn(binding, message.chatId, message.address.thread)
}

/** The same for a place in a chat. */
export function sessionIn(binding: Binding, chatId: ChatId, thread: string | undefined): string {
  switch (binding.session) {
    case 'group':
      return 'group'
    case 'shared':
      return `chat:${chatId}`
    case 'thread':
      return `chat:${chatId}/thread:${thread ?? ''}`
  }
}

function drop(reason: string): Routing {
  return { state: 'dropped', reason, plans: [] }
}
