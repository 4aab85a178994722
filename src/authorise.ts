import type { Binding } from './domain/binding.ts'
import type { GroupName } from './domain/ids.ts'
import type { InboundRow } from './domain/ports/stores.ts'

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

/**
 * Pure: may this group write to the chat that `origin` came from? Decided from the host's own tables; what the
 * entry claims beyond its inbox position counts for nothing (I8).
 */
export function mayReply(group: GroupName, origin: InboundRow | null, bindings: readonly Binding[]): Verdict {
  if (origin === null) return { allowed: false, reason: 'the group was never given that message' }
  if (!bindings.some((binding) => binding.group === group)) {
    return { allowed: false, reason: 'the chat is not bound to this group any more' }
  }
  return { allowed: true }
}
