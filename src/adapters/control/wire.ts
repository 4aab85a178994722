import { MAX_FILES } from '@creel/protocol'
import { z } from 'zod'

/** What the control socket answers to a command. */
export const CommandAnswer = z.union([
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    code: z.enum(['invalid', 'not_found', 'conflict', 'unauthorized', 'unavailable', 'timeout', 'internal']),
    message: z.string(),
    hint: z.string().optional(),
  }),
])

/** One line of the terminal's stream. */
export const TerminalEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('line'), id: z.number(), author: z.enum(['user', 'agent']), text: z.string() }),
  z.object({
    type: z.literal('progress'),
    text: z.string(),
    activity: z.string().optional(),
    elapsedMs: z.number().nonnegative().optional(),
  }),
  z.object({ type: z.literal('idle') }),
  z.object({ type: z.literal('ready') }),
])

export const TerminalPost = z.object({
  text: z.string().min(1),
  id: z.string().min(1),
  user: z.string().min(1),
  /** Paths on this machine. */
  files: z.array(z.string().startsWith('/')).max(MAX_FILES).default([]),
})

export type CommandAnswer = z.infer<typeof CommandAnswer>
export type TerminalEvent = z.infer<typeof TerminalEvent>
