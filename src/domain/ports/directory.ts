import type { Binding } from '../binding.ts'
import type { ChatId, GroupName, UnixMs } from '../ids.ts'
import type { ChatAddress, ChatKind } from '../message.ts'

export interface ChatRow {
  readonly id: ChatId
  readonly address: ChatAddress
  readonly kind: ChatKind
  readonly title: string
  readonly denied: boolean
}

/** Left out: `keep`, and no debounce. */
export type BindingSettings = Pick<Binding, 'engage' | 'pattern' | 'session' | 'senders' | 'queue'> &
  Partial<Pick<Binding, 'whenFull' | 'debounceMs'>>

/** Which chats there are, and which groups answer them. */
export interface DirectoryStore {
  /** Those of people: conversations of agents are left out. */
  chats(): readonly ChatRow[]
  chat(id: ChatId): ChatRow | null
  /** Makes the chat when it is new. */
  chatFor(address: ChatAddress, kind: ChatKind, title: string, at: UnixMs): ChatRow
  setDenied(chatId: ChatId, denied: boolean): void
  /**
   * The platform gave a chat a new id: bindings and history go with it. A chat that is already known under the new
   * id takes the bindings over. Idempotent; unknown chats are left alone.
   */
  moveChat(channel: string, account: string, fromChat: string, toChat: string): void
  bindings(chatId: ChatId): readonly Binding[]
  allBindings(): readonly Binding[]
  /** Those of one group, in the same order. */
  bindingsOf(group: GroupName): readonly Binding[]
  /** Makes or replaces the binding of this chat to this group. */
  bind(chatId: ChatId, group: GroupName, settings: BindingSettings, at: UnixMs): Binding
  /** Returns how many bindings went. */
  unbind(chatId: ChatId, group: GroupName | null): number
  stickyOpen(bindingId: number, thread: string): boolean
  /** Groups that answer the chat which has their own name there. */
  groupsWithOwnChat(channel: string, account: string): ReadonlySet<GroupName>
  /** All that `work` writes through this store is one commit: all of it or nothing. */
  inOneCommit(work: () => void): void
}
