import type { GroupConfig } from '../config/schema.ts'
import type { GroupName } from '../domain/ids.ts'
import type { Skills } from '../domain/ports/skills.ts'
import { imageParts } from '../domain/skill.ts'
import type { Events } from '../events.ts'

/** Gives the next sandbox of a group its skills, and reports those that it does not get. */
export async function placeSkills(
  group: GroupName,
  config: Pick<GroupConfig, 'skills' | 'image'>,
  ports: { readonly skills: Pick<Skills, 'place'>; readonly events: Pick<Events, 'skillLeftOut'> },
): Promise<void> {
  const { leftOut } = await ports.skills.place(group, config.skills, imageParts(config))
  for (const { name, problem } of leftOut) ports.events.skillLeftOut(group, name, problem)
}
