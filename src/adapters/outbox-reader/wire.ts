import { OutboxEntry } from '@creel/protocol'
import { z } from 'zod'

/** Parent to child: read one file. */
export const ReadRequest = z.object({
  id: z.number().int(),
  path: z.string(),
  after: z.number().int().nonnegative(),
  limit: z.number().int().positive(),
})

const Item = z.union([
  z.object({ seq: z.number().int().positive(), entry: OutboxEntry }),
  z.object({ seq: z.number().int().positive(), rejected: z.string().max(300) }),
])

const Batch = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('entries'), items: z.array(Item).readonly(), more: z.boolean() }),
  z.object({ kind: z.literal('busy') }),
  z.object({ kind: z.literal('unfinished') }),
  z.object({ kind: z.literal('rejected'), reason: z.string().max(300) }),
])

/** Child to parent. Checked by the parent too: the child has had hostile bytes in its hands. */
export const ChildMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** `tookMs` is the child's own time on the read, free of queueing. */
  z.object({ type: z.literal('answer'), id: z.number().int(), tookMs: z.number(), batch: Batch }),
])

export type ReadRequest = z.infer<typeof ReadRequest>
export type ChildMessage = z.infer<typeof ChildMessage>
