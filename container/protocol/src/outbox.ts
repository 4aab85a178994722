import * as z from 'zod'
import { FileName, Sha256 } from './files.ts'
import { CallId, Seq } from './inbox.ts'
import { MAX_ASKED_PACKAGES } from './packages.ts'

/** Longest text of one entry, in UTF-16 units. Longer output is cut by the runner and refused by the host. */
export const MAX_TEXT = 200_000

const Text = z.string().max(MAX_TEXT)

/** Written and synced before the provider is called, so that a crash loop counts itself. */
export const OutboxAccepted = z.object({
  type: z.literal('accepted'),
  inboxSeq: Seq,
  attempt: z.number().int().positive(),
  /** When the turn began, by the sandbox's clock: for benchmarks and the log, never for a decision. */
  at: z.number().int().nonnegative(),
})

/**
 * The runner was told to stop and hands an accepted entry back unsettled: the next runner begins it again, and
 * this attempt does not count.
 */
export const OutboxReturned = z.object({ type: z.literal('returned'), inboxSeq: Seq })

/** What the agent has said so far in a running turn. Shown where the channel can, never stored as a reply. */
export const OutboxProgress = z.object({
  type: z.literal('progress'),
  inboxSeq: Seq,
  text: Text,
  activity: z.string().max(200).optional(),
})

/** A message for the chat that the inbox entry came from. */
export const OutboxReply = z.object({ type: z.literal('reply'), inboxSeq: Seq, text: Text.min(1) })

/**
 * A file for the chat that the inbox entry came from. Its bytes lie in `out/files` under their hash before this is
 * written; everything said of it here is the runner's claim.
 */
export const OutboxFile = z.object({
  type: z.literal('file'),
  inboxSeq: Seq,
  file: Sha256,
  name: FileName,
  mime: z.string().max(100),
  bytes: z.number().int().nonnegative(),
  /** Markdown, shown with it. */
  caption: Text.min(1).optional(),
})

/**
 * A message that the agent sends in the middle of a turn, by a tool. Written at once and not with the turn's end: `key`
 * is the same when a turn that is begun again sends the same message, which the runner then leaves out.
 */
export const OutboxSend = z.object({
  type: z.literal('send'),
  inboxSeq: Seq,
  key: z.string().min(1).max(100),
  /** A destination by the name that the host gave it; absent: the chat that the inbox entry came from. */
  to: z.string().min(1).max(100).optional(),
  text: Text.min(1),
})

/** What a message of a tool is called when it is to be changed later; the same on both sides. */
export function messageHandle(inboxSeq: number, key: string): string {
  return `m${inboxSeq}.${key}`
}

const AskEgress = z.object({
  kind: z.literal('egress'),
  host: z.string().min(1).max(300),
  port: z.number().int().min(1).max(65_535),
  reason: z.string().max(1_000),
})

const AskQuestion = z.object({
  kind: z.literal('question'),
  text: z.string().min(1).max(2_000),
  options: z.array(z.string().min(1).max(60)).max(8),
  /** Words of their own are an answer, too. */
  freeText: z.boolean(),
  /** Of whoever spoke alone; else of anybody the agent listens to there. */
  onlySpeaker: z.boolean(),
  timeoutS: z.number().int().min(60).max(604_800),
})

const AskAgent = z.object({
  kind: z.literal('agent'),
  name: z.string().min(1).max(100),
  about: z.string().max(300),
  instructions: z.string().min(1).max(4_000),
})

const AskMcpServer = z.object({
  kind: z.literal('mcp_server'),
  name: z.string().min(1).max(100),
  /** To be added, started in the sandbox or reached at an address; absent: to be taken away. */
  server: z
    .union([
      z.strictObject({
        command: z.string().min(1).max(1_000),
        args: z.array(z.string().max(2_000)).max(50),
        env: z
          .record(z.string().max(100), z.string().max(2_000))
          .refine((env) => Object.keys(env).length <= 50),
      }),
      z.strictObject({ url: z.string().min(1).max(2_000) }),
    ])
    .optional(),
  reason: z.string().max(1_000),
})

const AskSkill = z.object({
  kind: z.literal('skill'),
  /** Of what the host has copied before. */
  sha256: Sha256,
  reason: z.string().max(1_000),
})

const Packages = z.array(z.string().min(1).max(300)).max(MAX_ASKED_PACKAGES)

const AskPackages = z.object({
  kind: z.literal('packages'),
  apt: Packages,
  npm: Packages,
  pip: Packages,
  reason: z.string().max(1_000),
})

/**
 * Something that a person has to decide or to answer. Written at once, under a key like that of a message; what came of
 * it comes back as a message of the host into the same session.
 */
export const OutboxAsk = z.object({
  type: z.literal('ask'),
  inboxSeq: Seq,
  key: z.string().min(1).max(100),
  ask: z.discriminatedUnion('kind', [AskEgress, AskQuestion, AskAgent, AskMcpServer, AskPackages, AskSkill]),
})

/** Longest arguments of a call, in UTF-16 units of their JSON. */
export const MAX_CALL_ARGS = 20_000

/**
 * Something that a tool asks the host for; the answer comes back into the inbox, within the turn. `id` is the same when a
 * turn that is begun again asks the same: the host does it once, and answers as before.
 */
export const OutboxCall = z.object({
  type: z.literal('call'),
  inboxSeq: Seq,
  id: CallId,
  name: z.string().regex(/^[a-z][a-z0-9_]{0,59}$/),
  /** JSON. */
  args: z.string().max(MAX_CALL_ARGS),
})

/**
 * Tokens and cost of one turn as the provider reported them. The four counts are disjoint, the same for every
 * provider: `inputTokens` are the fresh ones alone, without those read from or written to the model's cache.
 */
export const OutboxUsage = z.object({
  type: z.literal('usage'),
  inboxSeq: Seq,
  provider: z.string().max(50),
  model: z.string().max(100),
  inputTokens: z.number().int().nonnegative(),
  outputTokens: z.number().int().nonnegative(),
  cacheReadTokens: z.number().int().nonnegative().optional(),
  cacheWriteTokens: z.number().int().nonnegative().optional(),
  costUsd: z.number().nonnegative().optional(),
})

/** The last word on an inbox entry; in one transaction with everything its turn produced. */
export const OutboxSettled = z.object({
  type: z.literal('settled'),
  inboxSeq: Seq,
  outcome: z.enum(['done', 'failed', 'cancelled']),
  reason: z.string().max(2_000).optional(),
})

/** Everything a runner can write. A new member: add it here and to the fixtures, see CONTRIBUTING.md. */
export const OutboxEntry = z.discriminatedUnion('type', [
  OutboxAccepted,
  OutboxReturned,
  OutboxProgress,
  OutboxReply,
  OutboxFile,
  OutboxSend,
  OutboxAsk,
  OutboxCall,
  OutboxUsage,
  OutboxSettled,
])

export type OutboxEntry = z.infer<typeof OutboxEntry>
export type OutboxFile = z.infer<typeof OutboxFile>
export type OutboxAsk = z.infer<typeof OutboxAsk>
export type OutboxCall = z.infer<typeof OutboxCall>
export type OutboxSend = z.infer<typeof OutboxSend>
export type OutboxSettled = z.infer<typeof OutboxSettled>
export type OutboxProgress = z.infer<typeof OutboxProgress>

/** The column beside the body that lets the runner find its own entries; the host ignores it. */
export function outboxRef(entry: OutboxEntry): number {
  return entry.inboxSeq
}
