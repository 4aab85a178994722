import * as z from 'zod'

/** A tool server that is started inside the sandbox. */
export const McpCommand = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
})

/** A tool server as a provider is told of it: to be started, or one that listens somewhere. */
export const McpServer = z.union([McpCommand, z.strictObject({ url: z.url() })])

/** What a part of Creel has to tell the agent. Optional ones are left out first when the runtime takes no more. */
export const InstructionFragment = z.object({
  name: z.string().min(1).max(60),
  text: z.string().max(50_000),
  optional: z.boolean().default(true),
})

const Ms = z.number().int().positive()

/** How long a turn may go on, and how often it is tried. */
export const TurnLimits = z.object({
  /** Longest time without a sign of progress in each phase; a wait that the runtime announces comes on top. */
  phaseMs: z
    .object({
      starting: Ms.default(120_000),
      resuming: Ms.default(120_000),
      model: Ms.default(300_000),
      tool: Ms.default(1_800_000),
      compacting: Ms.default(600_000),
    })
    .prefault({}),
  /** Tries after the first when a turn fails for a reason that passes. */
  retries: z.number().int().nonnegative().default(2),
  /** Wait before the first of them; it doubles. */
  retryFirstMs: Ms.default(2_000),
  /** None begins later than this after the first failure. */
  retryForMs: Ms.default(60_000),
})

/**
 * Bytes of instructions that a runtime is given at most. Codex cuts at the one that it is told; the others would take
 * any number, and fill the model's context with them.
 */
export const INSTRUCTION_BYTES = { claude: 100_000, codex: 64 * 1024, opencode: 128 * 1024 } as const

/**
 * What the runner needs to know of its group, written by the host as `settings.json` into the read-only `in`
 * folder before each start. It holds no secret and grants nothing.
 */
export const RunnerSettings = z.object({
  protocol: z.number().int().positive(),
  group: z.string(),
  provider: z.string(),
  model: z.string().optional(),
  effort: z.string().optional(),
  /** Persona and instructions of the group, as markdown. */
  instructions: z.string().default(''),
  /** Bytes of that file, when `instructions` is only its beginning. */
  instructionsBytes: z.number().int().nonnegative().optional(),
  fragments: z.array(InstructionFragment).default([]),
  mcpServers: z.record(z.string(), McpServer).default({}),
  /** Turns of different sessions that may run at once. */
  concurrency: z.number().int().positive(),
  turnTimeoutMs: z.number().int().positive(),
  limits: TurnLimits.prefault({}),
  /** A message whose turn has died this often is settled as failed. */
  maxAttempts: z.number().int().positive(),
  /** Fallback poll of the inbox when no doorbell is heard. */
  pollMs: z.number().int().positive(),
})

export type InstructionFragment = z.infer<typeof InstructionFragment>
export type McpServer = z.infer<typeof McpServer>
export type TurnLimits = z.infer<typeof TurnLimits>
export type RunnerSettings = z.infer<typeof RunnerSettings>
