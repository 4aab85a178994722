import type { GroupName, UserId } from './ids.ts'
import type { People } from './ports/people.ts'
import type { RoleStore } from './ports/roles.ts'

const RANK = { denied: -1, member: 1, admin: 2, owner: 3 } as const

/**
 * Of people whose words go together, the one who has no more rights than each of the others, with this agent and with all
 * that it may ask: with theirs what they want can be done. The first of equals; null when nobody is that one.
 */
export function leastOf(people: readonly UserId[], roles: Pick<RoleStore, 'all'>): UserId | null {
  const granted = roles.all()
  // Null: an agent at which nobody has a role of its own.
  const places = new Set([null, ...granted.map(({ group }) => group)])
  const rank = (person: UserId, place: GroupName | null) => {
    const own = granted.filter(({ user, group }) => user === person && (group === null || group === place))
    if (own.some(({ role }) => role === 'denied')) return RANK.denied
    return Math.max(0, ...own.map(({ role }) => RANK[role]))
  }
  const isLeast = (one: UserId) =>
    people.every((other) => [...places].every((place) => rank(one, place) <= rank(other, place)))
  return people.find(isLeast) ?? null
}

/**
 * Who may do least, with a name, of those who spoke in a turn: whose wish something is among them is the model's word
 * alone. Null as `leastOf`.
 */
export function leastSpeaker(
  turn: { readonly speaker: UserId; readonly speakerName: string; readonly speakers: readonly UserId[] },
  ports: { readonly roles: Pick<RoleStore, 'all'>; readonly people: Pick<People, 'find'> },
): { readonly id: UserId; readonly name: string } | null {
  const least = leastOf(turn.speakers, ports.roles)
  if (least === null) return null
  if (least === turn.speaker) return { id: least, name: turn.speakerName }
  return { id: least, name: ports.people.find(least)?.name || least }
}
