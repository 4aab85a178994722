import { OUTBOX_FILE, PROTOCOL_VERSION, SANDBOX_PATHS } from '@creel/protocol'
import { createBody } from '../src/adapters/docker/convert.ts'
import { engineClient } from '../src/adapters/docker/engine-client.ts'
import { logText } from '../src/adapters/docker/log-frames.ts'
import type { Install } from '../src/config/load.ts'
import { GroupConfig } from '../src/config/schema.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { installSocket } from '../src/host-parts.ts'
import { sandboxSpec } from '../src/sandboxes/sandbox-spec.ts'
import type { BenchRequest } from './bench.ts'

/** How long each attack lasts before the next joins it. */
const PHASE_MS = 5_000

/**
 * What a hostile sandbox can do to its mailbox, one after the other: entries of a hundred megabytes and a file of that
 * size to send; folders full of names; a lock that is held; an outbox that is a view without end.
 */
const ATTACK = `
import { DatabaseSync } from 'node:sqlite'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
const [outbox, files, phaseMs] = process.argv.slice(1)
const attempt = (work) => { try { return work() } catch (error) { console.error(String(error)) } }
const open = () => { const db = new DatabaseSync(outbox); db.exec('PRAGMA busy_timeout = 2000'); return db }
attempt(() => {
  const db = open()
  const add = db.prepare('INSERT INTO entry (at, type, ref, body) VALUES (1, ?, 1, ?)')
  const bytes = Buffer.alloc(100_000_000, 'x')
  const file = createHash('sha256').update(bytes).digest('hex')
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
attempt(() => {
  const db = open()
  db.exec('DROP TABLE entry')
  db.exec('CREATE VIEW entry AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS seq FROM r')
  db.close()
})
console.log('all done')
setInterval(() => undefined, 1_000)
`

/**
 * Begins the attacks on the mailbox of this group, from a container with all that bounds a sandbox of the default
 * settings: the group's own is busy dying. The mailbox must have been made. Disposing ends them, and throws when one of
 * them failed: a healthy group beside nothing proves nothing.
 */
export async function attackMailbox(
  install: Install,
  image: string,
  group: GroupName,
  { say, signal }: Pick<BenchRequest, 'say' | 'signal'>,
): Promise<AsyncDisposable> {
  const { mounts, ...spec } = sandboxSpec(group, GroupConfig.parse({ provider: 'demo' }), install.paths, {
    image,
    protocol: PROTOCOL_VERSION,
  })
  const mailOut = mounts.filter(({ target }) => target === SANDBOX_PATHS.out)
  const { out } = SANDBOX_PATHS
  const args = [`${out}/${OUTBOX_FILE}`, `${out}/files`, String(PHASE_MS)]
  const body = {
    ...createBody({ ...spec, mounts: mailOut }, {}, (path) => path),
    Entrypoint: ['/usr/local/bin/node', '--no-warnings', '--input-type=module', '-e', ATTACK, '--', ...args],
  }
  // As the engine's adapter does: dockerode would repeat every option in the URL.
  const options = { _query: { name: `creel-bench-sick-${process.pid}` }, _body: body, abortSignal: signal }
  const container = await engineClient(installSocket(install)).createContainer(options)
  const remove = () => container.remove({ force: true })
  await container.start().catch(async (error: unknown) => {
    await remove()
    throw error
  })
  return {
    [Symbol.asyncDispose]: async () => {
      const said = logText(await container.logs({ stdout: true, stderr: true }).finally(remove))
      if (said.includes('Error')) throw new Error(`an attack failed: ${said}`)
      if (!said.includes('all done'))
        say('it ended before all attacks had begun: they need about 25 s (-n 1000)')
    },
  }
}
