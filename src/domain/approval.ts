import type { ChatId, GroupName, InboundId, UnixMs, UserId } from './ids.ts'

/** What people are asked to decide. A new kind: its payload, its card and what carries it out are an `ApprovalKind` (`src/approvals/approval-kind.ts`). */
export const APPROVAL_KINDS = ['egress', 'question', 'agent', 'mcp_server', 'packages', 'skill'] as const
export type ApprovalKindName = (typeof APPROVAL_KINDS)[number]

/**
 * `asked` waits for a person; `allowed` is decided and not carried out yet; the others are final. What was refused by
 * the host itself, without anybody being asked, begins as `denied`.
 */
export const APPROVAL_STATES = ['asked', 'allowed', 'denied', 'expired', 'done', 'failed'] as const
export type ApprovalState = (typeof APPROVAL_STATES)[number]

/** One way to decide. */
export interface ApprovalChoice {
  /** What stands behind the code when it is typed. */
  readonly id: string
  readonly label: string
  /** Whether something is carried out. */
  readonly allows: boolean
}

/** Where an ask came from: fixed when it was asked, from the host's own tables. */
export interface AskOrigin {
  readonly group: GroupName
  readonly session: string
  readonly inboundId: InboundId
  /** Who spoke: the ask is theirs, whoever allows it. */
  readonly askedBy: UserId
  readonly askedByName: string
  readonly chatId: ChatId
  readonly thread: string | undefined
}

/** One durable ask. */
export interface Approval extends AskOrigin {
  readonly id: number
  /** What buttons and typed answers name it by: random, and bound to the payload. */
  readonly code: string
  readonly kind: ApprovalKindName
  /** Canonical JSON: exactly what is carried out. */
  readonly payload: string
  readonly payloadHash: string
  /** What the person is shown, as markdown. */
  readonly card: string
  readonly choices: readonly ApprovalChoice[]
  readonly state: ApprovalState
  readonly choice: string | null
  /** What was said instead of a choice, or with it. */
  readonly answer: string | null
  readonly decidedBy: UserId | null
  readonly decidedByName: string | null
  readonly decidedAt: UnixMs | null
  readonly askedAt: UnixMs
  readonly expiresAt: UnixMs
  /** What became of it, for people and for the agent. */
  readonly outcome: string | null
  /** The delivery that shows it; null when nobody was asked. */
  readonly cardKey: string | null
  readonly cardChatId: ChatId | null
  readonly told: boolean
  readonly cardSettled: boolean
}

export type NewApproval = AskOrigin &
  Pick<
    Approval,
    | 'code'
    | 'kind'
    | 'payload'
    | 'payloadHash'
    | 'card'
    | 'choices'
    | 'askedAt'
    | 'expiresAt'
    | 'cardKey'
    | 'cardChatId'
  > & {
    /** The same key again is the same ask. */
    readonly key: string
    /** Set when the host refuses it, or it is so already, and nobody is asked. */
    readonly settled?: { readonly state: 'denied' | 'done'; readonly outcome: string }
  }

export interface Decision {
  readonly state: 'allowed' | 'denied'
  readonly choice: string | null
  readonly answer: string | null
  readonly by: UserId
  readonly byName: string
  readonly at: UnixMs
}

/** Nothing more will be decided or carried out. */
export function isFinal(state: ApprovalState): boolean {
  return state !== 'asked' && state !== 'allowed'
}
