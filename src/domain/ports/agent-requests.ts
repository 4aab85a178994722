import type { AgentRequest, Lineage, NewAgentRequest, RequestProgress } from '../agent-request.ts'
import type { HostWord } from '../host-word.ts'
import type { ChatId, GroupName, InboundId, UnixMs } from '../ids.ts'

/** What agents ask of each other, in the host's database. Each write is one synced transaction. */
export interface AgentRequests {
  /** Records it and gives it to the asked agent, at once; a known key changes nothing. */
  add(request: NewAgentRequest, at: UnixMs): AgentRequest
  byKey(key: string): AgentRequest | null
  find(id: number): AgentRequest | null
  /** Null when the message is gone. */
  lineageOf(message: InboundId): Lineage | null
  /** Requests from one agent to another since then. */
  between(from: GroupName, to: GroupName, since: UnixMs): number
  /** Of each turn that is over, and has nothing open or something asked before `due`: one of its open requests. */
  withWork(due: UnixMs): readonly number[]
  /** Open requests that were asked in one turn, oldest first. */
  openOf(from: GroupName, message: InboundId): readonly RequestProgress[]
  /** Requests of one conversation, the newest `limit`, newest first. */
  ofSession(from: GroupName, session: string, limit: number): readonly RequestProgress[]
  /**
   * Its asker is told, once: `word` and the new state are one transaction, in which the `late` ones are ended as by
   * `cancel`. Null: there is nobody to tell any more.
   */
  tell(ids: readonly number[], word: HostWord | null, at: UnixMs, late: readonly number[]): void
  /**
   * Ends requests with all that came of them: what is not in an inbox yet is settled as cancelled; what is, is to be
   * stopped (`stopping`). The same again changes nothing.
   */
  cancel(ids: readonly number[], at: UnixMs): void
  /** Requests that were ended and have turns to be stopped. */
  stopping(): readonly number[]
  /** What came of a request and stands in an inbox, not settled. */
  turnsOf(id: number): readonly { readonly group: GroupName; readonly inboxSeq: number }[]
  /** It is in the inboxes that the turns of this request are to stop. */
  stopped(id: number): void
  /** Open ones that go back to what was said in this chat. */
  openFor(home: ChatId): readonly number[]
  /** Where the person is for whom was asked in a conversation of two agents; null when it is none. */
  homeOf(
    chat: ChatId,
  ): { readonly chatId: ChatId; readonly thread: string | undefined; readonly to: GroupName } | null
}
