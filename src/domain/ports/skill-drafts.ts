import type { GroupName } from '../ids.ts'
import type { FileHash } from './files.ts'

export interface SkillDraftFile {
  readonly path: string
  readonly bytes: number
  readonly executable: boolean
}

/** A skill that an agent wrote, as it was when the agent asked to have it. */
export interface SkillDraft {
  readonly name: string
  readonly description: string
  /** Of names, contents and what can be run, as skills are pinned. */
  readonly sha256: FileHash
  readonly files: readonly SkillDraftFile[]
  /** All of it as one text, for people to read: a stored file. */
  readonly review: { readonly sha256: FileHash; readonly bytes: number }
  /** Its SKILL.md. */
  readonly text: string
}

/** Copies of skills that agents wrote, where no sandbox can change them. */
export interface SkillDrafts {
  /**
   * Copies a folder of the group's workspace as it is now, which is hostile input, and looks whether it is a sound skill.
   * The same folder again is the same draft. `keep`: drafts that are still waited for; of others the newest few stay.
   * `attach` stores a text. Throws CreelError `invalid` with what is wrong, for the agent.
   */
  stage(
    group: GroupName,
    path: string,
    keep: ReadonlySet<FileHash>,
    attach: (text: string) => Promise<{ readonly sha256: FileHash; readonly bytes: number }>,
  ): Promise<SkillDraft>
  /** Null when there is none (any more). */
  find(group: GroupName, sha256: FileHash): SkillDraft | null
  /** The group's own skill of this name: none, the hash that it was pinned by, or one that nobody pinned. */
  standing(group: GroupName, name: string): 'none' | 'unpinned' | FileHash
  /**
   * Makes the draft the group's own skill, and pins it. Idempotent. Throws CreelError `not_found` when the draft is gone,
   * `conflict` when it is not what it was.
   */
  place(group: GroupName, draft: Pick<SkillDraft, 'name' | 'sha256'>): Promise<void>
}
