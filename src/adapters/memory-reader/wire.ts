import { z } from 'zod'

/** Parent to child: look into this folder. */
export const MemoryJob = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('list'), folder: z.string() }),
  z.object({ kind: z.literal('read'), folder: z.string(), path: z.string() }),
  z.object({
    kind: z.literal('search'),
    folder: z.string(),
    words: z.array(z.string()),
    limit: z.number().int().positive(),
  }),
])

const Path = z.string().max(5_000)

export const MemoryAnswer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('list'),
    found: z.array(z.object({ path: Path, bytes: z.number(), changedAt: z.number() })),
    more: z.boolean(),
  }),
  z.object({
    kind: z.literal('read'),
    text: z.string(),
    print: z.string().max(16),
    more: z.boolean(),
  }),
  z.object({
    kind: z.literal('search'),
    found: z.array(z.object({ path: Path, line: z.number(), text: z.string().max(2_000) })),
    more: z.boolean(),
  }),
  z.object({
    kind: z.literal('refused'),
    code: z.enum(['not_found', 'invalid']),
    reason: z.string().max(300),
  }),
])

export type MemoryJob = z.infer<typeof MemoryJob>
export type MemoryAnswer = z.infer<typeof MemoryAnswer>
