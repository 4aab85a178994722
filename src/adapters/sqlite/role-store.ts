import type Database from 'better-sqlite3'
import type { GroupName, UnixMs, UserId } from '../../domain/ids.ts'
import type { ChatRow, Role, RoleStore } from '../../domain/ports/stores.ts'
import { type ChatColumns, toChatRow } from './rows.ts'

/** In the table, the whole install is the group without a name. */
const EVERYWHERE = ''

export class SqliteRoleStore implements RoleStore {
  readonly #db: Database.Database
  readonly #roles: Database.Statement<[string, string], { role: string }>

  constructor(db: Database.Database) {
    this.#db = db
    this.#roles = db.prepare("SELECT role FROM role WHERE user_id = ? AND group_name IN ('', ?)")
  }

  roles(user: UserId, group: GroupName): readonly Role[] {
    return this.#roles.all(user, group).map((row) => row.role as Role)
  }

  isOwner(user: UserId): boolean {
    return this.#roles.all(user, EVERYWHERE).some((row) => row.role === 'owner')
  }

  grant(user: UserId, role: Role, group: GroupName | null, at: UnixMs): void {
    this.#db
      .prepare(
        `INSERT INTO role (user_id, role, group_name, granted_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .run(user, role, group ?? EVERYWHERE, at)
  }

  revoke(user: UserId, role: Role, group: GroupName | null): number {
    return this.#db
      .prepare('DELETE FROM role WHERE user_id = ? AND role = ? AND group_name = ?')
      .run(user, role, group ?? EVERYWHERE).changes
  }

  all(): readonly { user: UserId; name: string; role: Role; group: GroupName | null }[] {
    return this.#db
      .prepare<[], { user_id: string; name: string | null; role: string; group_name: string }>(
        `SELECT r.user_id, p.name, r.role, r.group_name FROM role r LEFT JOIN person p ON p.id = r.user_id
         ORDER BY r.granted_at, r.user_id`,
      )
      .all()
      .map((row) => ({
        user: row.user_id as UserId,
        name: row.name ?? '',
        role: row.role as Role,
        group: row.group_name === EVERYWHERE ? null : (row.group_name as GroupName),
      }))
  }

  ownerChats(): readonly ChatRow[] {
    return this.#privateChats("r.role = 'owner' AND r.group_name = ''")
  }

  deciderChats(group: GroupName): readonly ChatRow[] {
    const which = "(r.role = 'owner' AND r.group_name = '') OR (r.role = 'admin' AND r.group_name = ?)"
    return this.#privateChats(which, group)
  }

  #privateChats(which: string, ...args: string[]): readonly ChatRow[] {
    return this.#db
      .prepare<unknown[], ChatColumns>(
        `SELECT c.id, c.channel, c.account, c.chat, c.kind, c.title, c.denied
         FROM chat c JOIN inbound i ON i.chat_id = c.id
         JOIN role r ON r.user_id = i.sender_id AND (${which})
         WHERE c.kind = 'private' AND i.from_host = 0 AND c.denied = 0 GROUP BY c.id ORDER BY max(i.id) DESC`,
      )
      .all(...args)
      .map(toChatRow)
  }
}
