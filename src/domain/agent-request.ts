import type { ChatId, GroupName, InboundId, UnixMs, UserId } from './ids.ts'
import type { ChatAddress } from './message.ts'

/** What two agents say to each other is in chats of this channel, which no driver has: nothing is delivered there. */
export const AGENT_CHANNEL = 'agent'

/** Whether a chat is the conversation of two agents. Only the agent that is asked is ever given a message of it. */
export function isAgentChat({ channel }: Pick<ChatAddress, 'channel'>): boolean {
  return channel === AGENT_CHANNEL
}

/** What one agent asks of another. */
export interface NewAgentRequest {
  /** The same key again is the same request. */
  readonly key: string
  readonly from: GroupName
  readonly fromSession: string
  /** The message in whose turn it is asked. */
  readonly fromInbound: InboundId
  readonly to: GroupName
  readonly message: string
  /** In a conversation of its own, and not in the one that the two had before. */
  readonly fresh: boolean
  /** For whom it is asked: the asked agent works with the rights of this person. */
  readonly senderId: UserId
  readonly senderName: string
}

export interface AgentRequest {
  readonly id: number
  readonly from: GroupName
  readonly fromSession: string
  readonly fromInbound: InboundId
  readonly to: GroupName
  readonly message: string
  readonly askedAt: UnixMs
  /** `told`: its asker was given the answer. */
  readonly state: 'open' | 'told' | 'cancelled'
  readonly answer: string
  readonly rounds: number
}

/** An open request and how far it is. */
export interface RequestProgress extends AgentRequest {
  /** Every turn of it is over, and it waits for no other agent. */
  readonly finished: boolean
  /** How its last turn ended; null while it runs or waits. */
  readonly outcome: 'done' | 'failed' | 'cancelled' | null
  readonly reason: string | null
}

/** Where a message stands in what came of one message of a person. */
export interface Lineage {
  readonly root: InboundId
  /** How many agents have passed it on: 0 for what a person said. */
  readonly hop: number
  /** How many requests came of the person's message so far. */
  readonly inTree: number
  readonly homeChatId: ChatId
}
