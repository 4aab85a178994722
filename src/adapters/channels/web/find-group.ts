import type { Context } from 'hono'
import type { GroupName } from '../../../domain/ids.ts'
import type { AppEnv, AppParts } from './app-context.ts'

/** A name from a request is only ever compared with the names there are. */
export function findGroup(context: Context<AppEnv>, parts: AppParts): GroupName | null {
  const asked = context.req.param('group')
  return parts.groups().find((group) => group.name === asked)?.name ?? null
}
