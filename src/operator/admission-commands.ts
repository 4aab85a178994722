import { z } from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { UserId } from '../domain/ids.ts'
import { existingGroup } from './group-commands.ts'
import type { OperatorCommand } from './ports.ts'

/** Who waits to be let in, with the code that allow and deny take. */
export const waiting: OperatorCommand = {
  run(ports) {
    const seen = new Map<string, { code: string; count: number; since: number; who: string; where: string }>()
    for (const row of ports.inbound.held()) {
      const code = row.reason === 'unknown chat' ? `c${row.chatId}` : `s${row.id}`
      const key = row.reason === 'unknown chat' ? code : `${row.senderId} ${row.chatId}`
      const known = seen.get(key)
      if (known) known.count += 1
      else
        seen.set(key, {
          code,
          count: 1,
          since: row.receivedAt,
          who: `${row.senderName} (${row.senderId})`,
          where: `${row.address.channel}: ${row.chatTitle}`,
        })
    }
    return [...seen.values()]
  },
}

const AllowArgs = z.object({ code: z.string(), group: z.string().optional() })

export const allow: OperatorCommand = {
  run(ports, args) {
    const { code, group } = AllowArgs.parse(args)
    return { done: ports.admission.allow(code, group === undefined ? null : existingGroup(ports, group)) }
  },
}

export const deny: OperatorCommand = {
  run(ports, args) {
    return { done: ports.admission.deny(AllowArgs.parse(args).code) }
  },
}

export const roleList: OperatorCommand = {
  run(ports) {
    return ports.roles.all()
  },
}

const RoleArgs = z.object({
  user: z.string().regex(/^[a-z]+:.+$/, 'a platform id with its channel, such as telegram:12345'),
  role: z.enum(['owner', 'admin', 'member', 'denied']),
  group: z.string().optional(),
})

export const grant: OperatorCommand = {
  run(ports, args) {
    const { user, role, group } = RoleArgs.parse(args)
    if (role === 'owner' && group !== undefined) {
      throw new CreelError('invalid', 'owner is a role of the whole install: leave --group out')
    }
    if (role === 'admin' && group === undefined) {
      throw new CreelError('invalid', 'admin is a role of one group', { hint: 'name it with --group' })
    }
    const name = group === undefined ? null : existingGroup(ports, group)
    ports.roles.grant(user as UserId, role, name, ports.clock.now())
    return { user, role, group: name }
  },
}

export const revoke: OperatorCommand = {
  run(ports, args) {
    const { user, role, group } = RoleArgs.parse(args)
    const name = group === undefined ? null : existingGroup(ports, group)
    if (ports.roles.revoke(user as UserId, role, name) === 0) {
      throw new CreelError('not_found', `${user} does not have that role`, { hint: './creel roles list' })
    }
    return { user, role, group: name }
  },
}
