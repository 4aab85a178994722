import { join } from 'node:path'
import { EngineUnavailableError } from '../src/domain/errors.ts'
import { installPackages, rootPrefix } from './apt.ts'
import { lastWords } from './command.ts'
import type { Consent } from './consent.ts'
import type { Machine } from './machine.ts'

const DEFAULT_SOCKETS = ['/var/run/docker.sock', '/run/docker.sock']
const START_MS = 60_000
const POLL_MS = 250
/** Docker 20.10: the oldest that src/adapters/docker accepts, which says why. */
const MIN_API_MINOR = 41

export interface EngineRequest {
  readonly machine: Machine
  readonly socket: string
  /** Holds the log and pid file of an engine that had to be started by hand. */
  readonly dataDir: string
  readonly consent: Consent
  readonly log: (line: string) => void
}

/**
 * Makes sure that a container engine answers at the socket: uses the one that does, else starts the installed one,
 * else installs Docker. `started` says that it did not run before. Safe to run again after any failure; throws
 * EngineUnavailableError or CreelError with what to do.
 */
export async function ensureEngine(request: EngineRequest): Promise<{ socket: string; started: boolean }> {
  const { machine, socket } = request
  if (await answers(machine, socket)) return { socket, started: false }
  if (machine.platform !== 'linux')
    throw new EngineUnavailableError('no container engine answers', {
      hint: 'install and start Docker Desktop, OrbStack, Colima or Podman, and run this again',
    })
  if (!DEFAULT_SOCKETS.includes(socket))
    throw new EngineUnavailableError(`no container engine answers at ${socket}`, {
      hint: 'start the engine that belongs to this socket, or leave engine.socket in creel.toml and DOCKER_HOST empty',
    })
  if (!machine.has('dockerd')) {
    await installPackages(
      machine,
      {
        packages: ['docker.io', 'iptables'],
        what: 'a container engine (Docker)',
        elsewhere: 'install Docker (https://docs.docker.com/engine/install/) or Podman, and run this again',
      },
      request.consent,
      request.log,
    )
    // Where there is a service manager, the package has just started it.
    if (await answers(machine, socket)) return { socket, started: true }
  }
  await startInstalled(request)
  return { socket, started: true }
}

/** True when a usable engine answers; false when there is none; throws when there is one that cannot be used. */
async function answers(machine: Machine, socket: string): Promise<boolean> {
  const answer = await machine.ping(socket)
  if (answer.state === 'absent') return false
  if (answer.state === 'denied')
    throw new EngineUnavailableError(`this user may not use the container engine at ${socket}`, {
      hint: 'type: sudo usermod -aG docker "$USER", log out and in again, and run this again (or run it with sudo)',
    })
  if (answer.state === 'broken')
    throw new EngineUnavailableError(`the container engine at ${socket} does not work: ${answer.why}`, {
      hint: 'see its log (journalctl -u docker) or start it again (systemctl restart docker)',
    })
  const [major = 0, minor = 0] = answer.apiVersion.split('.').map(Number)
  if (major === 1 && minor < MIN_API_MINOR)
    throw new EngineUnavailableError(
      `the container engine is too old: it speaks API ${answer.apiVersion}, expected 1.${MIN_API_MINOR} or later`,
      { hint: 'upgrade to Docker 20.10 or later, or to Podman 4 or later' },
    )
  return true
}

async function startInstalled(request: EngineRequest): Promise<void> {
  const { machine, log } = request
  const root = await rootPrefix(machine)
  const byService =
    machine.init === 'systemd' ? ['systemctl', 'start', 'docker'] : ['service', 'docker', 'start']
  if (root === null)
    throw new EngineUnavailableError('Docker is installed but does not run, and this user cannot start it', {
      hint: `type: sudo ${byService.join(' ')}`,
    })
  const [program = '', ...args] = [...root, ...byService]
  const hasService = machine.init === 'systemd' || machine.exists('/etc/init.d/docker')
  if (hasService) {
    log(byService.join(' '))
    const result = await machine.run(program, args, { timeoutMs: START_MS })
    if (result.code === 0) return waitForEngine(machine, request.socket, log, 'see journalctl -u docker')
    log(`${byService.join(' ')} failed: ${lastWords(result, 3)}`)
  }
  await startDockerd(machine, {
    root,
    socket: request.socket,
    runDir: join(request.dataDir, 'engine'),
    extra: [],
    log,
  })
}

export interface DockerdRequest {
  readonly root: readonly string[]
  readonly socket: string
  /** Gets `dockerd.pid` and `dockerd.log`. */
  readonly runDir: string
  readonly extra: readonly string[]
  readonly log: (line: string) => void
}

/** Starts an engine without a service manager; resolves when it answers. It outlives this process. */
export async function startDockerd(machine: Machine, request: DockerdRequest): Promise<void> {
  const logFile = join(request.runDir, 'dockerd.log')
  const [program = '', ...args] = [
    ...request.root,
    'dockerd',
    '--host',
    `unix://${request.socket}`,
    '--pidfile',
    join(request.runDir, 'dockerd.pid'),
    ...request.extra,
  ]
  request.log('starting dockerd')
  machine.startDetached(program, args, logFile)
  await waitForEngine(machine, request.socket, request.log, `its log ${logFile} ends:`, logFile)
}

async function waitForEngine(
  machine: Machine,
  socket: string,
  log: (line: string) => void,
  hint: string,
  logFile?: string,
): Promise<void> {
  for (let waited = 0; waited < START_MS; waited += POLL_MS) {
    if ((await machine.ping(socket)).state === 'answers') return
    if (waited > 0 && waited % 5000 === 0) log(`waiting for the engine to answer (${waited / 1000} s)`)
    await machine.sleep(POLL_MS)
  }
  // Throws with its reason when it answers in a way that is no use.
  if (await answers(machine, socket)) return
  throw new EngineUnavailableError(
    `the container engine does not answer ${START_MS / 1000} s after its start`,
    {
      hint: logFile === undefined ? hint : `${hint}\n${machine.tail(logFile)}`,
    },
  )
}
