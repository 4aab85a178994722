import type { GroupName } from '../domain/ids.ts'
import type { Slot } from './sandbox-slots.ts'
import type { SupervisorPorts } from './supervisor-ports.ts'

/** Whether the sandbox of a group, if it has one, was made from what is set now; if not, it is looked at soon. */
export async function isCurrent(
  group: GroupName,
  slot: Slot | undefined,
  { groups, specOf, specHash, nudge }: Pick<SupervisorPorts, 'groups' | 'specOf' | 'specHash' | 'nudge'>,
): Promise<boolean> {
  // One that is being started may have been given what was set before.
  if (!slot?.busy) {
    if (!slot?.handle || !groups.exists(group)) return true
    const wanted = specHash(await specOf(group, groups.load(group)))
    if (slot.handle?.specHash === wanted) return true
  }
  nudge(group)
  return false
}
