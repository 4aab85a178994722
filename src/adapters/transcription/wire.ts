import { z } from 'zod'

/** Parent to child: run this program over a recording. */
export const CommandJob = z.object({
  program: z.string(),
  args: z.array(z.string()),
  /** A folder for this run alone. */
  folder: z.string(),
  /** Goes to its standard input; nothing does when it is left out. */
  input: z.string().optional(),
  env: z.record(z.string(), z.string()),
  /** Bytes that it may print. */
  maxOutput: z.number().int().positive(),
})

export const CommandAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('words'), text: z.string() }),
  /** `detail` is the end of what it complained of. */
  z.object({ kind: z.literal('failed'), reason: z.string().max(300), detail: z.string().max(1_000) }),
])

export type CommandJob = z.infer<typeof CommandJob>
export type CommandAnswer = z.infer<typeof CommandAnswer>
