import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GroupName } from '../src/domain/ids.ts'
import type { Paths } from '../src/paths.ts'

/** How long each attack lasts before the next joins it. */
const PHASE_MS = 5_000

/**
 * What a hostile sandbox can do to its mailbox, one after the other, by a process of its own as it would be: entries of a
 * hundred megabytes and a file of that size to send; folders full of names; a lock that is held; an outbox that is a
 * view without end.
 */
const ATTACK = `
import { DatabaseSync } from 'node:sqlite'
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
const [outbox, files, phaseMs] = process.argv.slice(2)
const attempt = (work) => { try { return work() } catch (error) { console.error(String(error)) } }
const open = () => { const db = new DatabaseSync(outbox); db.exec('PRAGMA busy_timeout = 2000'); return db }
attempt(() => {
  const db = open()
  const add = db.prepare('INSERT INTO entry (at, type, ref, body) VALUES (1, ?, 1, ?)')
  const bytes = Buffer.alloc(100_000_000, 'x')
  const file = createHash('sha256').update(bytes).digest('hex')
  mkdirSync(files, { recursive: true })
  writeFileSync(files + '/' + file, bytes)
  add.run('file', JSON.stringify({ type: 'file', inboxSeq: 1, file, name: 'huge.bin', mime: '', bytes: bytes.length }))
  add.run('reply', JSON.stringify({ type: 'reply', inboxSeq: 1, text: bytes.toString() }))
  db.close()
})
await sleep(Number(phaseMs))
attempt(() => { for (let n = 0; n < 20_000; n++) writeFileSync(files + '/full-' + n, '') })
await sleep(Number(phaseMs))
const held = attempt(() => { const db = open(); db.exec('BEGIN EXCLUSIVE'); return db })
await sleep(Number(phaseMs))
attempt(() => held?.close())
attempt(() => rmSync(outbox, { force: true }))
attempt(() => {
  const db = open()
  db.exec('CREATE VIEW entry AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS seq FROM r')
  db.close()
})
setInterval(() => undefined, 1_000)
`

/** Begins the attacks on the mailbox of this group; returns what ends them. The mailbox must have been made. */
export function attackMailbox(paths: Paths, group: GroupName): Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'creel-sick-'))
  const script = join(folder, 'attack.mjs')
  writeFileSync(script, ATTACK)
  const args = [script, paths.outbox(group), paths.filesOut(group), String(PHASE_MS)]
  const child: ChildProcess = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: 'ignore',
  })
  return {
    [Symbol.dispose]: () => {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true })
    },
  }
}
