import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreelError } from '../src/domain/errors.ts'
import { installPackages, rootPrefix } from './apt.ts'
import type { Consent } from './consent.ts'
import { startDockerd } from './engine.ts'
import type { Machine } from './machine.ts'

const STOP_MS = 30_000
const POLL_MS = 200

/** An engine for the tests: the one that runs, or one of their own that ends with them. */
export interface TestEngine {
  readonly socket: string
  /** Ends it, if it was started for the tests. */
  readonly close: () => Promise<void>
}

/**
 * Uses the engine at `socket` when it answers. Otherwise starts dockerd with its images under `.creel/engine`, so
 * that the next run finds them, and ends exactly that process when closed.
 */
export async function openTestEngine(request: {
  readonly machine: Machine
  readonly socket: string
  readonly projectDir: string
  readonly consent: Consent
  readonly log: (line: string) => void
}): Promise<TestEngine> {
  const { machine, log } = request
  if ((await machine.ping(request.socket)).state === 'answers')
    return { socket: request.socket, close: async () => undefined }
  if (!machine.has('dockerd'))
    await installPackages(
      machine,
      {
        packages: ['docker.io', 'iptables'],
        what: 'a container engine (Docker)',
        elsewhere: 'install and start Docker, and run this again',
      },
      request.consent,
      log,
    )
  const root = await rootPrefix(machine)
  if (root === null || root.length > 0)
    throw new CreelError(
      'unavailable',
      'no container engine answers, and only root can start one for the tests',
      {
        hint: 'start Docker (sudo systemctl start docker), or run the tests as root',
      },
    )
  const own = ownEngine(request.projectDir)
  const running = (await machine.ping(own.socket)).state === 'answers'
  if (!running)
    await startDockerd(machine, {
      root,
      socket: own.socket,
      runDir: own.runDir,
      extra: ['--data-root', own.dataRoot, '--exec-root', join(own.runDir, 'exec')],
      log,
    })
  return { socket: own.socket, close: () => endEngine(machine, join(own.runDir, 'dockerd.pid'), log) }
}

/** A unix socket's path may have 107 bytes, which a project's folder can exceed: the run folder is a short one. */
function ownEngine(projectDir: string): { socket: string; runDir: string; dataRoot: string } {
  const id = createHash('sha256').update(projectDir).digest('hex').slice(0, 8)
  const runDir = `/run/creel-test-${id}`
  mkdirSync(runDir, { recursive: true, mode: 0o700 })
  return { socket: join(runDir, 'docker.sock'), runDir, dataRoot: join(projectDir, '.creel', 'engine') }
}

async function endEngine(machine: Machine, pidFile: string, log: (line: string) => void): Promise<void> {
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8').trim()) : 0
  if (pid <= 1) return
  log(`ending the tests' own engine (${pid})`)
  process.kill(pid, 'SIGTERM')
  for (let waited = 0; waited < STOP_MS && existsSync(pidFile); waited += POLL_MS)
    await machine.sleep(POLL_MS)
}
