import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OutboxEntry, OutboxWriter } from '@creel/protocol'
import Database from 'better-sqlite3'
import { FileMailbox } from '../../src/adapters/mailbox/file-mailbox.ts'
import { ForkedOutboxReader } from '../../src/adapters/outbox-reader/forked-outbox-reader.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import { Paths } from '../../src/paths.ts'

export const EVIL = 'evil' as GroupName
export const GOOD = 'good' as GroupName

export const reply = (text: string): OutboxEntry => ({ type: 'reply', inboxSeq: 1, text })

/** Two groups with real files: one that a test ruins, and one that must not notice. */
export class OutboxWorld implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'creel-hostile-'))
  readonly paths = new Paths(join(this.root, 'data'), join(this.root, 'groups'))
  readonly mailbox = new FileMailbox({ paths: this.paths, clock: { now: () => 1 as UnixMs } })
  readonly reader = new ForkedOutboxReader({ paths: this.paths })
  readonly #holders: (() => Promise<void>)[] = []

  constructor() {
    for (const group of [EVIL, GOOD]) {
      this.mailbox.open(group)
      this.append(group, reply('hello'))
    }
  }

  get outbox(): string {
    return this.paths.outbox(EVIL)
  }

  append(group: GroupName, ...entries: readonly OutboxEntry[]): void {
    using writer = new OutboxWriter(this.paths.outbox(group))
    writer.append(entries, 1)
  }

  /** Changes the hostile outbox as a sandbox could: any SQL. */
  sql(change: (db: Database.Database) => void): void {
    const db = new Database(this.outbox)
    try {
      // Lets a test plant what SQLite's own defences would refuse: a sandbox writes the bytes itself.
      db.unsafeMode()
      change(db)
    } finally {
      db.close()
    }
  }

  /** Runs `script` in a process of its own with `db` open on `path`; it stays as it is until killed. */
  async hold(path: string, script: string): Promise<() => Promise<void>> {
    const code = `const D = require('better-sqlite3'); const db = new D(${JSON.stringify(path)}); ${script};
      process.stdout.write('held'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const kill = async () => {
      if (child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    this.#holders.push(kill)
    return kill
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kill of this.#holders) await kill()
    await this.reader.close()
    this.mailbox.close()
    rmSync(this.root, { recursive: true })
  }
}
