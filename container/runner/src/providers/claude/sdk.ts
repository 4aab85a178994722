import type { ChildProcessWithoutNullStreams } from 'node:child_process'

/** A part of what a person says, as the model's API has it. */
export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'image'
      readonly source: { readonly type: 'base64'; readonly media_type: string; readonly data: string }
    }

/** What is pushed into a running query: a person's words, under an id of ours that its result names again. */
export interface UserMessage {
  readonly type: 'user'
  readonly message: { readonly role: 'user'; readonly content: string | ContentBlock[] }
  readonly parent_tool_use_id: null
  readonly uuid: string
  /** Taken as written: a text that begins with a slash is not a command of the CLI. */
  readonly client_composed?: true
}

export interface SpawnRequest {
  readonly command: string
  readonly args: string[]
  readonly cwd?: string | undefined
  readonly env: Record<string, string | undefined>
}

export type ToolServer =
  | { type: 'stdio'; command: string; args: string[]; env: Record<string, string>; alwaysLoad: true }
  | { type: 'http'; url: string; alwaysLoad: true }

/** The options of the Agent SDK that we set; its own names. */
export interface QueryOptions {
  readonly cwd: string
  readonly env: Record<string, string>
  readonly pathToClaudeCodeExecutable?: string
  readonly model?: string
  readonly effort?: Effort
  readonly resume?: string
  readonly settingSources: []
  readonly includePartialMessages: true
  readonly permissionMode: 'bypassPermissions'
  readonly allowDangerouslySkipPermissions: true
  readonly permissionPrompts: 'none'
  readonly strictMcpConfig: true
  readonly mcpServersDelivery: 'initialize'
  readonly mcpServers: Record<string, ToolServer>
  readonly tools: string[]
  readonly plugins: { type: 'local'; path: string }[]
  readonly systemPrompt: { type: 'preset'; preset: 'claude_code'; append: string; snapshot: false }
  readonly spawnClaudeCodeProcess?: (request: SpawnRequest) => ChildProcessWithoutNullStreams
}

export type Effort = 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** A running query of the Agent SDK, as far as we use it. Throws when its process dies. */
export interface ClaudeQuery extends AsyncIterable<unknown> {
  interrupt(): Promise<{ readonly still_queued?: readonly string[] } | undefined>
  setModel(model?: string): Promise<void>
  applyFlagSettings(settings: { effortLevel: Effort | null }): Promise<void>
  close(): void
}

/**
 * The one function of `@anthropic-ai/claude-agent-sdk` that we need. Described here and not taken from its types:
 * only the image carries the package, with a program of several hundred megabytes that the host has no use for.
 */
export type QueryFunction = (request: {
  prompt: AsyncIterable<UserMessage>
  options: QueryOptions
}) => ClaudeQuery
