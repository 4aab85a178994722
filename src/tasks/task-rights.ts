import type { CallOrigin } from '../domain/host-call.ts'
import type { ChatId, GroupName, UserId } from '../domain/ids.ts'
import type { Role, RoleStore } from '../domain/ports/stores.ts'
import type { Task } from '../domain/task.ts'

/** Whose wishes a turn carries out, where. */
export type Asker = Pick<CallOrigin, 'group' | 'chatId' | 'speakers'>

/**
 * Whether a turn may change a task: each of the people whose words are in it must be allowed to. Owners and admins change
 * all of their agent's; the others what they wanted themselves, and members in the task's own chat what no owner or admin
 * wanted.
 */
export function mayChange(task: Task, asker: Asker, roles: Pick<RoleStore, 'roles'>): boolean {
  if (task.group !== asker.group) return false
  return asker.speakers.every((speaker) => {
    const own = roles.roles(speaker, task.group)
    if (own.includes('denied')) return false
    if (isAdmin(own) || speaker === task.createdBy) return true
    const makers = roles.roles(task.createdBy, task.group)
    return own.includes('member') && !isAdmin(makers) && asker.chatId === task.chatId
  })
}

/** Whether a turn may know of a task: those of its chat, and all where only owners and admins speak. */
export function maySee(task: Task, asker: Asker, roles: Pick<RoleStore, 'roles'>): boolean {
  if (task.group !== asker.group) return false
  return task.chatId === asker.chatId || seesAll(asker, roles)
}

export function seesAll(
  { group, speakers }: Pick<Asker, 'group' | 'speakers'>,
  roles: Pick<RoleStore, 'roles'>,
): boolean {
  return speakers.every((speaker: UserId) => isAdmin(roles.roles(speaker, group)))
}

function isAdmin(roles: readonly Role[]): boolean {
  return roles.includes('owner') || roles.includes('admin')
}

/** Where a task is made: what the agent may write to. */
export interface TaskPlace {
  readonly group: GroupName
  readonly chatId: ChatId
  readonly thread: string | undefined
}
