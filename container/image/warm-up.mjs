// Runs one turn of the bundled runner in a scratch folder, so that node's compile cache holds what a start needs.
// Usage, as the account the sandbox runs as: node warm-up.mjs <folder of the bundle> <scratch folder>
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  createOutbox,
  INBOX_FILE,
  InboxWriter,
  OUTBOX_FILE,
  PROTOCOL_VERSION,
  SANDBOX_PATHS,
  SETTINGS_FILE,
} from '@creel/protocol'

const [bundle, scratch] = process.argv.slice(2)
for (const path of Object.values(SANDBOX_PATHS)) mkdirSync(join(scratch, path), { recursive: true })
const inDir = join(scratch, SANDBOX_PATHS.in)
const outbox = join(scratch, SANDBOX_PATHS.out, OUTBOX_FILE)
createOutbox(outbox)
const settings = {
  protocol: PROTOCOL_VERSION,
  group: 'warm-up',
  provider: 'demo',
  concurrency: 1,
  turnTimeoutMs: 60_000,
  maxAttempts: 1,
  pollMs: 100,
}
writeFileSync(join(inDir, SETTINGS_FILE), JSON.stringify(settings))
const inbox = new InboxWriter(join(inDir, INBOX_FILE))
const message = {
  type: 'message',
  session: 'warm-up',
  chat: { channel: 'warm-up', kind: 'private', title: '' },
  from: { id: 'warm-up:1', name: '' },
  text: '/demo slow 300',
  at: 0,
  context: [],
}
inbox.put('warm-up', message, 0)
inbox[Symbol.dispose]()

const runner = spawn(process.execPath, [join(bundle, 'boot.cjs'), scratch], { stdio: 'inherit' })
const exited = new Promise((resolve) => runner.on('exit', (code) => resolve(code)))
await setTimeout(1_500)
runner.kill('SIGTERM')
const code = await exited
// And what is imported only when its provider is chosen.
const cache = JSON.stringify(join(bundle, 'cache'))
const later = readdirSync(bundle).filter((name) => name.endsWith('.mjs'))
const files = JSON.stringify(later.map((name) => join(bundle, name)))
const importAll = `require('node:module').enableCompileCache(${cache}); Promise.all(${files}.map((file) => import(file)))`
const imported = spawnSync(process.execPath, ['-e', importAll], { stdio: 'inherit' })
if (imported.status !== 0) throw new Error(`warm-up: a provider cannot be imported: exit ${imported.status}`)
const cached = readdirSync(join(bundle, 'cache'), { recursive: true })
if (code !== 0 || cached.length < 2) throw new Error(`warm-up: exit ${code}, cache ${JSON.stringify(cached)}`)
