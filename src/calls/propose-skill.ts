import * as z from 'zod'
import type { ApprovalStore } from '../domain/ports/approvals.ts'
import type { FileHash, FileStore } from '../domain/ports/files.ts'
import type { SkillDrafts } from '../domain/ports/skill-drafts.ts'
import { type CallHandler, callHandler } from './call-handler.ts'

/** The whole text of a skill of the largest kind, with its marks. */
const MAX_REVIEW = 20_000_000
const STORE_MS = 10_000

const Args = z.strictObject({ path: z.string().min(1).max(1_000) })
/** What open asks for skills wait for. */
const Waiting = z.object({ sha256: z.string() })

export interface ProposeSkillPorts {
  readonly drafts: Pick<SkillDrafts, 'stage'>
  readonly files: Pick<FileStore, 'add'>
  readonly approvals: Pick<ApprovalStore, 'openOf'>
}

/**
 * Copies a skill that an agent wrote out of its workspace and says whether it is a sound one: what is then asked for, shown
 * and let in is this copy, whatever becomes of the folder. It grants nothing.
 */
export function proposeSkill({ drafts, files, approvals }: ProposeSkillPorts): CallHandler {
  return callHandler(Args, async ({ path }, { group }) => {
    const keep = new Set<FileHash>()
    for (const { kind, payload } of approvals.openOf(group))
      if (kind === 'skill') keep.add(Waiting.parse(JSON.parse(payload)).sha256)
    const attach = (text: string) => files.add(oneChunk(text), MAX_REVIEW, AbortSignal.timeout(STORE_MS))
    const { name, sha256 } = await drafts.stage(group, path, keep, attach)
    return { name, sha256 }
  })
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, 'utf8')
}
