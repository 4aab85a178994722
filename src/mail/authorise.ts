import { isAgentChat } from '../domain/agent-request.ts'
import type { Binding } from '../domain/binding.ts'
import type { GroupName } from '../domain/ids.ts'
import type { ChatRow, InboundRow } from '../domain/ports/stores.ts'

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

/**
 * Pure: may this group write to the chat that `origin` came from? Decided from the host's own tables; what the
 * entry claims beyond its inbox position counts for nothing (I8).
 */
export function mayReply(group: GroupName, origin: InboundRow | null, bindings: readonly Binding[]): Verdict {
  if (origin === null) return { allowed: false, reason: 'the group was never given that message' }
  // Such a message was given to one agent alone; what it answers goes to the one that asked.
  if (isAgentChat(origin.address)) return { allowed: true }
  if (!bindings.some((binding) => binding.group === group)) {
    return { allowed: false, reason: 'the chat is not bound to this group any more' }
  }
  return { allowed: true }
}

/** Messages that a group may send into one other chat within an hour. */
export const MAX_ELSEWHERE_PER_HOUR = 60

/**
 * Pure: may this group write to `chat` while it works on a message of another one? Only to chats that are bound to it,
 * and only so often: people there have not asked (I8, I13). `origin`: whether it may answer the message it works on.
 */
export function maySendTo(
  group: GroupName,
  origin: Verdict,
  chat: ChatRow | null,
  facts: { readonly bindings: readonly Binding[]; readonly withinHour: () => number },
): Verdict {
  if (!origin.allowed) return origin
  if (chat === null || !facts.bindings.some((binding) => binding.group === group)) {
    return { allowed: false, reason: 'there is no such chat that is bound to this group' }
  }
  if (chat.denied) return { allowed: false, reason: 'the chat is denied' }
  if (facts.withinHour() >= MAX_ELSEWHERE_PER_HOUR) {
    return {
      allowed: false,
      reason: `more than ${MAX_ELSEWHERE_PER_HOUR} messages into another chat in an hour`,
    }
  }
  return { allowed: true }
}
