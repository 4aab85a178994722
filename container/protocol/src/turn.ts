/** What a provider is asked to do. */
export interface TurnInput {
  readonly session: string
  /** The message with its context, as the model should see it. */
  readonly prompt: string
  readonly model?: string
  readonly effort?: string
  /** Provider-made token of an earlier turn of this session; a cache, may be stale. */
  readonly resumeToken?: string
}

export type FailureReason = 'auth' | 'quota' | 'overloaded' | 'resume-lost' | 'crashed' | 'timeout' | 'other'

/** What a provider reports. The last event of a turn is `completed`, `interrupted` or `failed`. */
export type TurnEvent =
  | { readonly type: 'started'; readonly resumeToken?: string }
  /** Any sign of life. */
  | { readonly type: 'activity' }
  | { readonly type: 'tool'; readonly phase: 'started' | 'ended'; readonly name: string }
  /** More of the reply being written; shown as progress. */
  | { readonly type: 'delta'; readonly text: string }
  /** One whole message for the chat. */
  | { readonly type: 'message'; readonly text: string }
  | {
      readonly type: 'usage'
      readonly model: string
      readonly inputTokens: number
      readonly outputTokens: number
    }
  | { readonly type: 'completed' }
  | { readonly type: 'interrupted' }
  | { readonly type: 'failed'; readonly reason: FailureReason; readonly message: string }
