import type Database from 'better-sqlite3'
import type { GroupName, UnixMs, UserId } from '../../domain/ids.ts'
import type { Forgotten, People, Person } from '../../domain/ports/people.ts'
import type { Role } from '../../domain/ports/stores.ts'

interface PersonColumns {
  user: string
  name: string | null
  is_bot: number | null
  first_seen_at: number | null
  last_seen: number | null
  messages: number
  zone: string | null
}

/** Words of the host in somebody's name are none of theirs. */
const THEIRS = 'i.sender_id = u.user AND i.from_host = 0'

const PEOPLE = `
  SELECT u.user, p.name, p.is_bot, p.first_seen_at,
         (SELECT max(i.received_at) FROM inbound i WHERE ${THEIRS}) AS last_seen,
         (SELECT count(*) FROM inbound i WHERE ${THEIRS}) AS messages,
         (SELECT z.zone FROM person_zone z WHERE z.user_id = u.user) AS zone
  FROM (SELECT id AS user FROM person UNION SELECT user_id FROM role) u LEFT JOIN person p ON p.id = u.user`

const AT_WORK = 'EXISTS (SELECT 1 FROM dispatch d WHERE d.inbound_id = inbound.id AND d.outcome IS NULL)'

export class SqlitePeople implements People {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  list(limit: number): readonly Person[] {
    return this.#db
      .prepare<[number], PersonColumns>(`${PEOPLE} ORDER BY last_seen DESC, u.user LIMIT ?`)
      .all(limit)
      .map((row) => this.#person(row))
  }

  find(user: UserId): Person | null {
    const row = this.#db.prepare<[string], PersonColumns>(`${PEOPLE} WHERE u.user = ?`).get(user)
    return row ? this.#person(row) : null
  }

  zone(user: UserId): string | null {
    const zone = this.#db.prepare<[string], string>('SELECT zone FROM person_zone WHERE user_id = ?').pluck()
    return zone.get(user) ?? null
  }

  setZone(user: UserId, zone: string | null): void {
    if (zone === null) this.#run('DELETE FROM person_zone WHERE user_id = ?', user)
    else
      this.#db
        .prepare(
          `INSERT INTO person_zone (user_id, zone) VALUES (?, ?)
           ON CONFLICT (user_id) DO UPDATE SET zone = excluded.zone`,
        )
        .run(user, zone)
  }

  forget(user: UserId): Forgotten {
    return this.#db.transaction(() => {
      const roles = this.#run('DELETE FROM role WHERE user_id = ?', user)
      this.#run('DELETE FROM web_session WHERE user_id = ?', user)
      this.#run('DELETE FROM person_zone WHERE user_id = ?', user)
      this.#run("UPDATE person SET name = '' WHERE id = ?", user)
      this.#run("UPDATE approval SET asked_by_name = '' WHERE asked_by = ?", user)
      this.#run(
        `UPDATE inbound SET state = 'dropped', reason = 'its sender was forgotten'
         WHERE sender_id = ? AND state IN ('new', 'held')`,
        user,
      )
      const messages = this.#run(
        `UPDATE inbound SET text = '', sender_name = '', quote_name = NULL, quote_text = NULL
         WHERE sender_id = ? AND (text <> '' OR sender_name <> '') AND NOT ${AT_WORK}`,
        user,
      )
      const kept = this.#db
        .prepare<[string], number>(`SELECT count(*) FROM inbound WHERE sender_id = ? AND ${AT_WORK}`)
        .pluck()
        .get(user)
      return { roles, messages, kept: kept ?? 0 }
    })()
  }

  #run(sql: string, user: UserId): number {
    return this.#db.prepare(sql).run(user).changes
  }

  #person(row: PersonColumns): Person {
    const roles = this.#db
      .prepare<[string], { role: string; group_name: string }>(
        'SELECT role, group_name FROM role WHERE user_id = ? ORDER BY group_name, role',
      )
      .all(row.user)
      .map(({ role, group_name }) => ({
        role: role as Role,
        group: group_name === '' ? null : (group_name as GroupName),
      }))
    return {
      user: row.user as UserId,
      name: row.name ?? '',
      isBot: row.is_bot === 1,
      firstSeen: row.first_seen_at as UnixMs | null,
      lastSeen: row.last_seen as UnixMs | null,
      messages: row.messages,
      zone: row.zone,
      roles,
    }
  }
}
