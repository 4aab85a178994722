import { z } from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { UserId } from '../domain/ids.ts'
import type { Person } from '../domain/ports/people.ts'
import { zoneNamed } from '../schedule/cron-time.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

const MAX_SHOWN = 1_000

/** Everybody who has written or has a role, whoever wrote last first. */
export const userList: OperatorCommand = {
  run: ({ people }) => people.list(MAX_SHOWN),
}

const UserArgs = z.object({ user: z.string() })

export const userShow: OperatorCommand = {
  run: (ports, args) => known(ports, UserArgs.parse(args).user),
}

const ZoneArgs = UserArgs.extend({ zone: z.string().max(100).optional() })

/** On whose clock they mean times; `default` has none of their own any more, without a zone it is only told. */
export const userZone: OperatorCommand = {
  run(ports, args) {
    const { user: typed, zone } = ZoneArgs.parse(args)
    const { user } = known(ports, typed)
    if (zone !== undefined) ports.people.setZone(user, zone === 'default' ? null : zoneNamed(zone))
    return { user, zone: ports.people.zone(user) }
  },
}

/** The last owner stays: without one nobody could decide anything any more. */
export const userForget: OperatorCommand = {
  run(ports, args) {
    const { user, roles } = known(ports, UserArgs.parse(args).user)
    const owners = ports.roles.all().filter(({ role }) => role === 'owner')
    if (roles.some(({ role }) => role === 'owner') && owners.length === 1)
      throw new CreelError('conflict', `${user} is the only owner`, {
        hint: './creel roles grant SOMEBODY owner first',
      })
    return { user, ...ports.people.forget(user) }
  },
}

function known({ people }: OperatorPorts, user: string): Person {
  const person = people.find(user as UserId)
  if (person) return person
  throw new CreelError('not_found', `nobody is known as ${user}`, {
    hint: './creel users list shows the ids',
  })
}
