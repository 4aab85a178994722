import type Database from 'better-sqlite3'
import type { EgressRule } from '../../domain/egress-rules.ts'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import {
  type EgressRules,
  MAX_OWNER_RULES,
  type NewOwnerRule,
  ONCE_MS,
  ONCE_UNUSED_MS,
  type OwnerRule,
} from '../../domain/ports/egress-rules.ts'
import { Statements } from './statements.ts'

interface Columns {
  id: number
  group_name: string
  effect: 'allow' | 'deny'
  host: string
  details: string
  once: number
  given_by: string
  at: number
  expires_at: number | null
  first_used_at: number | null
}

/** For so long after its end a rule is still shown. */
const SHOWN_AFTER_END_MS = 7 * 86_400_000

export class SqliteEgressRules implements EgressRules {
  readonly #db: Database.Database
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
  }

  add(rule: NewOwnerRule, now: UnixMs): number {
    return this.#put(rule, now, (old) => saysTheSame(old, rule))
  }

  overrule(rule: NewOwnerRule, now: UnixMs): number {
    return this.#put(rule, now, (old) => saysTheSame(old, rule) || saysTheContrary(old, rule))
  }

  #put(rule: NewOwnerRule, now: UnixMs, isReplaced: (old: OwnerRule) => boolean): number {
    return this.#db.transaction(() => {
      this.#db.prepare('DELETE FROM egress_rule WHERE expires_at < ?').run(now - SHOWN_AFTER_END_MS)
      const group = rule.group ?? ''
      const here = this.all().filter((old) => (old.group ?? '') === group)
      const replaced = here.filter(isReplaced)
      const lasting = here.find((old) => saysTheSame(old, rule) && outlasts(old, rule, now))
      if (lasting !== undefined) return lasting.id
      if (here.length - replaced.length >= MAX_OWNER_RULES) throw tooMany(rule.group)
      for (const { id } of replaced) this.remove(id)
      const { host, ...details } = rule.rule
      const expiresAt = rule.once
        ? Math.min(rule.expiresAt ?? Infinity, now + ONCE_UNUSED_MS)
        : rule.expiresAt
      const added = this.#db
        .prepare(
          `INSERT INTO egress_rule (group_name, effect, host, details, once, given_by, at, expires_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(group, rule.effect, host, JSON.stringify(details), Number(rule.once), rule.by, now, expiresAt)
      return Number(added.lastInsertRowid)
    })()
  }

  remove(id: number): boolean {
    return this.#db.prepare('DELETE FROM egress_rule WHERE id = ?').run(id).changes > 0
  }

  inForce(group: GroupName, now: UnixMs): readonly OwnerRule[] {
    return this.#statements
      .prepare<[string, number], Columns>(
        `SELECT * FROM egress_rule
         WHERE group_name IN (?, '') AND (expires_at IS NULL OR expires_at > ?) ORDER BY id`,
      )
      .all(group, now)
      .map(toRule)
  }

  all(): readonly OwnerRule[] {
    return this.#statements.prepare<[], Columns>('SELECT * FROM egress_rule ORDER BY id').all().map(toRule)
  }

  used(id: number, now: UnixMs): void {
    this.#statements
      .prepare(
        `UPDATE egress_rule SET first_used_at = @now, expires_at = min(expires_at, @now + @lasts)
         WHERE id = @id AND once = 1 AND first_used_at IS NULL`,
      )
      .run({ id, now, lasts: ONCE_MS })
  }
}

function saysTheSame(old: OwnerRule, { effect, rule }: NewOwnerRule): boolean {
  const { host, ports, methods, paths } = rule
  return (
    old.effect === effect &&
    old.rule.host === host &&
    old.rule.ports.join() === ports.join() &&
    old.rule.methods.join() === methods.join() &&
    old.rule.paths.join() === paths.join()
  )
}

/** What is given for once takes nothing away from what was given for longer. */
function outlasts(old: OwnerRule, rule: NewOwnerRule, now: number): boolean {
  const lasts = old.expiresAt === null || old.expiresAt > now + ONCE_UNUSED_MS
  return rule.once && !old.once && lasts && (old.rule.private || !rule.rule.private)
}

/** No ports are all ports. */
function saysTheContrary(old: OwnerRule, { effect, rule: { host, ports } }: NewOwnerRule): boolean {
  const isAll = ports.length === 0 || old.rule.ports.length === 0
  return old.effect !== effect && old.rule.host === host && (isAll || old.rule.ports.join() === ports.join())
}

function toRule(row: Columns): OwnerRule {
  // Written by us alone, above.
  const details = JSON.parse(row.details) as Omit<EgressRule, 'host'>
  return {
    id: row.id,
    group: row.group_name === '' ? null : (row.group_name as GroupName),
    effect: row.effect,
    rule: { host: row.host, ...details },
    once: row.once === 1,
    by: row.given_by,
    at: row.at as UnixMs,
    expiresAt: row.expires_at as UnixMs | null,
    firstUsedAt: row.first_used_at as UnixMs | null,
  }
}

function tooMany(group: GroupName | null): CreelError {
  const whose = group === null ? 'for all groups' : `for ${group}`
  return new CreelError(
    'invalid',
    `there are ${MAX_OWNER_RULES} rules ${whose} already, which is the bound`,
    {
      hint: './creel egress list shows them; ./creel egress remove takes one away',
    },
  )
}
