import { McpServer } from '@creel/protocol'
import type Database from 'better-sqlite3'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { ToolServerStore } from '../../domain/ports/tool-servers.ts'
import { type AddedToolServer, isSameServer, MAX_ADDED_SERVERS } from '../../domain/tool-server.ts'
import { Statements } from './statements.ts'

interface Columns {
  group_name: string
  name: string
  server: string
  approval_id: number
  given_by: string
  at: number
}

export class SqliteToolServers implements ToolServerStore {
  readonly #db: Database.Database
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
  }

  of(group: GroupName): readonly AddedToolServer[] {
    return this.#statements
      .prepare<[string], Columns>('SELECT * FROM tool_server WHERE group_name = ? ORDER BY name')
      .all(group)
      .map(toServer)
  }

  add({ group, name, server, approvalId, by, at }: AddedToolServer): void {
    this.#db.transaction(() => {
      const all = this.of(group)
      const same = all.find((known) => isSameServer(known.name, name))
      if (same?.name === name && same.approvalId === approvalId) return
      if (same) throw new CreelError('conflict', `there is a tool server ${same.name} by now`)
      if (all.length >= MAX_ADDED_SERVERS)
        throw new CreelError('conflict', `it has ${MAX_ADDED_SERVERS} added tool servers already`, {
          hint: `./creel mcp list ${group} shows them; ./creel mcp remove takes one away`,
        })
      this.#db
        .prepare('INSERT INTO tool_server VALUES (?, ?, ?, ?, ?, ?)')
        .run(group, name, JSON.stringify(server), approvalId, by, at)
    })()
  }

  remove(group: GroupName, name: string, approvalId?: number): boolean {
    const removed = this.#db
      .prepare(
        'DELETE FROM tool_server WHERE group_name = ? AND name = ? AND approval_id = coalesce(?, approval_id)',
      )
      .run(group, name, approvalId ?? null)
    return removed.changes > 0
  }
}

function toServer(row: Columns): AddedToolServer {
  return {
    group: row.group_name as GroupName,
    name: row.name,
    server: McpServer.parse(JSON.parse(row.server)),
    approvalId: row.approval_id,
    by: row.given_by,
    at: row.at as UnixMs,
  }
}
