import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Install } from '../src/config/load.ts'
import { Paths } from '../src/paths.ts'
import type { Bench } from './bench.ts'
import { percentile, preciseNow, rounded } from './figures.ts'
import { makeGroups } from './many-groups.ts'

const GROUPS = 1_000
const SESSIONS_EACH = 10
const STARTS = 3
/** After the start, until caches and timers have come to rest. */
const SETTLE_MS = 5_000

/**
 * A host with a thousand groups and ten thousand conversations that nobody talks to, as a process of its own. `-n`
 * seconds are watched. CPU is that of the host and its helper processes; memory that of the host process.
 */
export const idle: Bench = {
  defaultRuns: 60,
  async run({ install, runs, say, signal }) {
    const folder = mkdtempSync(join(tmpdir(), 'creel-idle-'))
    try {
      say(`making ${GROUPS} groups with ${GROUPS * SESSIONS_EACH} conversations`)
      makeGroups(new Paths(join(folder, 'data'), join(folder, 'groups')), GROUPS, SESSIONS_EACH)
      const ready: number[] = []
      for (let n = 1; n < STARTS; n++) {
        const started = await startHost(install, folder)
        ready.push(started.readyMs)
        await started.stop()
      }
      const host = await startHost(install, folder)
      ready.push(host.readyMs)
      try {
        say(`watching for ${runs} seconds`)
        await sleep(SETTLE_MS, undefined, { signal })
        const before = cpuMs(host.pid)
        const begun = preciseNow()
        await sleep(runs * 1000, undefined, { signal })
        const share = (cpuMs(host.pid) - before) / (preciseNow() - begun)
        return {
          cpu_percent: rounded(share * 100),
          rss_mb: rounded(rssMb(host.pid)),
          ready_ms: rounded(percentile(ready, 0.5)),
        }
      } finally {
        await host.stop()
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

interface Started {
  readonly pid: number
  readonly readyMs: number
  stop(): Promise<void>
}

/** `creel serve` on that data, until it says that it takes messages. */
async function startHost(install: Install, folder: string): Promise<Started> {
  const config = join(folder, 'creel.toml')
  writeFileSync(config, '')
  const begun = preciseNow()
  const main = join(install.projectDir, 'src', 'main.ts')
  const child = spawn(process.execPath, [...process.execArgv, main, 'serve'], {
    cwd: install.projectDir,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...{ CREEL_CONFIG: config, CREEL_DATA_DIR: join(folder, 'data') },
      ...{ CREEL_GROUPS_DIR: join(folder, 'groups'), CREEL_WEB_PORT: '0', CREEL_WEB_HOST: '127.0.0.1' },
    },
  })
  const { pid } = child
  if (pid === undefined) throw new Error('the host could not be started')
  await isReady(child)
  return { pid, readyMs: preciseNow() - begun, stop: () => stop(child) }
}

async function isReady(child: ChildProcess): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('Creel is running')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the host ended with ${code}`)))
  })
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

/** CPU time of a process and the ones it started that still run, from /proc. */
function cpuMs(pid: number): number {
  const [, , , , , , , , , , , user = '0', system = '0'] = statOf(pid)
  return (Number(user) + Number(system)) * 10 + childrenOf(pid).reduce((sum, child) => sum + cpuMs(child), 0)
}

/** Fields of /proc/PID/stat from the state on. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

function rssMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kb ?? 0) / 1024
}
