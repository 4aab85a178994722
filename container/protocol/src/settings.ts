import * as z from 'zod'

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
  /** Turns of different sessions that may run at once. */
  concurrency: z.number().int().positive(),
  turnTimeoutMs: z.number().int().positive(),
  /** A message whose turn has died this often is settled as failed. */
  maxAttempts: z.number().int().positive(),
  /** Fallback poll of the inbox when no doorbell is heard. */
  pollMs: z.number().int().positive(),
})

export type RunnerSettings = z.infer<typeof RunnerSettings>
