import { Sha256 } from '@creel/protocol'
import { z } from 'zod'

/** Parent to child: look at `from` as a hostile file; copy it to `to` when that is given. */
export const FileJob = z.object({
  from: z.string(),
  to: z.string().optional(),
  maxBytes: z.number().int().positive(),
})

export const FileAnswer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('read'),
    sha256: Sha256,
    bytes: z.number().int().nonnegative(),
    image: z
      .object({
        mime: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
        width: z.number().int().positive(),
        height: z.number().int().positive(),
      })
      .nullable(),
    voice: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal('refused'), reason: z.string().max(300) }),
  /** Nothing is wrong with the file: another try can mend it. */
  z.object({ kind: z.literal('failed'), reason: z.string().max(300) }),
])

export type FileJob = z.infer<typeof FileJob>
export type FileAnswer = z.infer<typeof FileAnswer>
