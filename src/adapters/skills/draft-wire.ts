import { z } from 'zod'

/** Parent to child: copy the folder at `path` below `root`, which a sandbox writes, to `to`, which is not there yet. */
export const DraftJob = z.object({ root: z.string(), path: z.string(), to: z.string() })

export const DraftAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('copied') }),
  z.object({ kind: z.literal('refused'), reason: z.string().max(1_000) }),
])

export type DraftJob = z.infer<typeof DraftJob>
export type DraftAnswer = z.infer<typeof DraftAnswer>
