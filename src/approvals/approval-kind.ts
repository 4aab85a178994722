import type { OutboxAsk } from '@creel/protocol'
import type { Approval, ApprovalChoice, ApprovalKindName } from '../domain/approval.ts'
import type { GroupName } from '../domain/ids.ts'
import type { ChatFile } from '../domain/message.ts'

/** What an agent asks for, checked and in the host's own words. */
export type AskedFor =
  | {
      /** Exactly what is to be carried out. */
      readonly payload: object
      /** What is asked, as markdown of the host; nothing of the agent in it but what `quoted` made harmless. */
      readonly what: string
      readonly choices: readonly ApprovalChoice[]
      readonly openMs: number
    }
  /** It needs nobody's decision: it is so already, or can never be. Words for the agent. */
  | { readonly settled: 'done' | 'denied'; readonly outcome: string }

/** What became of it, for the agent; or when to come again for what is still being done. */
export type CarriedOut = string | { readonly waitMs: number }

/** One kind of thing that people decide about. */
export interface ApprovalKind {
  readonly name: ApprovalKindName
  /** `owner`: owners. `admin`: they and admins of the group. `chat`: whoever the agent listens to in the chat that it is asked in. */
  readonly decides: 'owner' | 'admin' | 'chat'
  /** What the agent has asked for, from its hostile words. */
  read(group: GroupName, ask: OutboxAsk['ask']): AskedFor
  /**
   * Carries out what was allowed, as the one who spoke when it was asked. Idempotent: a kill right after it does it
   * again. What takes long is begun, and looked at each time. Throws CreelError when it cannot be done at all; anything
   * else, and an engine that is away, is tried again.
   */
  carryOut(approval: Approval): CarriedOut | Promise<CarriedOut>
  /** What it gives is there from the start of a sandbox: the agent is told when none of before runs any more. */
  readonly renews?: boolean
  /** A stored file that people are shown ahead of the card, from an ask that was put to them. */
  attached?(approval: Pick<Approval, 'payload'>): ChatFile
  /** What it is called in a sentence to the agent. */
  about(approval: Approval): string
  /** For the agent, when nobody decided in time. */
  expired(approval: Approval): string
}
