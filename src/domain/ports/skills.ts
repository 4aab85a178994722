import type { GroupName } from '../ids.ts'
import type { ImagePart } from '../skill.ts'

/** What an agent can be taught to do: a folder with a SKILL.md, of which the model sees name and description. */
export interface Skill {
  readonly name: string
  readonly description: string
  /** From the group's own folder, not from the one that all share. */
  readonly own: boolean
}

export interface SkillSet {
  readonly skills: readonly Skill[]
  /** Those left out, and why in words for a person. */
  readonly leftOut: readonly { readonly name: string; readonly problem: string }[]
  /** Those that nobody asked for by name and that the group's image lacks something for, with what to do. */
  readonly unfit: readonly { readonly name: string; readonly problem: string }[]
}

/** The folders of skills. Read anew at each call: people edit them while we run. */
export interface Skills {
  /**
   * The skills of a group; `wanted` are their names, undefined stands for all; `image` is what its image holds beside
   * the usual. A broken one is left out alone.
   */
  find(
    group: GroupName,
    wanted: readonly string[] | undefined,
    image?: readonly ImagePart[],
  ): Promise<SkillSet>
  /** Changes with what of the group's own skills was let in; '' when nothing was. */
  mark(group: GroupName): string
  /**
   * Makes the folder that the group's sandbox sees hold exactly these. Idempotent; to be called while no sandbox of
   * the group runs. Throws CreelError `unavailable` when the folder cannot be written.
   */
  place(
    group: GroupName,
    wanted: readonly string[] | undefined,
    image?: readonly ImagePart[],
  ): Promise<SkillSet>
}
