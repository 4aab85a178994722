import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { totalmem } from 'node:os'
import { pino } from 'pino'
import { enginePath, ownContainerId } from '../adapters/docker/self.ts'
import { ContainerGate } from './container-gate.ts'
import { inspect } from './engine-client.ts'
import { readInstallId } from './install-id.ts'
import type { Policy } from './policy.ts'
import { createFilter } from './server.ts'

/**
 * The socket filter: stands between the host process and the engine where the host itself runs in a container,
 * so that breaking into the host is not root on the machine. Settings come from the environment; see
 * docker-compose.yml.
 */
const env = process.env
const log = pino({ name: 'socket-filter', level: env.CREEL_FILTER_LOG_LEVEL ?? 'info' })
const listen = env.CREEL_FILTER_LISTEN ?? '/engine/docker.sock'
const socket = env.CREEL_FILTER_ENGINE ?? '/var/run/docker.sock'
const view = { data: env.CREEL_FILTER_DATA ?? '/data', groups: env.CREEL_FILTER_GROUPS ?? '/groups' }
const MAX_CPUS = 256
const MAX_PIDS = 32_768

/** The data and groups folders as the engine sees them: given, or this container's own mounts. */
async function learnRoots(): Promise<Policy['roots']> {
  const { CREEL_FILTER_DATA_SOURCE: data, CREEL_FILTER_GROUPS_SOURCE: groups } = env
  if (data && groups) return { data, groups }
  const id = ownContainerId(readFileSync('/proc/self/mountinfo', 'utf8'))
  const found = id === null ? null : await inspect(socket, id)
  if (found === null)
    throw new Error('not in a container: set CREEL_FILTER_DATA_SOURCE and CREEL_FILTER_GROUPS_SOURCE')
  const mounts = found.Mounts ?? []
  return { data: enginePath(view.data, mounts), groups: enginePath(view.groups, mounts) }
}

/** Reads the id once it is there and keeps it: the client can write the file, so a later change is ignored. */
function policySource(roots: Policy['roots']): () => Policy | null {
  let policy: Policy | null = null
  return () => {
    const installId = policy === null ? readInstallId(view.data) : null
    if (installId !== null) {
      log.info({ installId }, 'serving this install')
      policy = {
        installId,
        roots,
        limits: { memoryBytes: totalmem(), nanoCpus: MAX_CPUS * 1e9, pids: MAX_PIDS },
        runtimes: (env.CREEL_FILTER_RUNTIMES ?? 'runc,runsc').split(','),
        allowBuild: env.CREEL_FILTER_BUILD !== '0',
      }
    }
    return policy
  }
}

const roots = await learnRoots()
const server = createFilter({
  socket,
  view,
  gate: new ContainerGate({ socket, view }),
  policy: policySource(roots),
  log: {
    denied: (call) => log.warn(call, 'denied'),
    failed: (call) => log.error(call, 'failed'),
  },
})
rmSync(listen, { force: true })
server.listen(listen, () => {
  // Only the host's container mounts this folder; it runs as another user, without a group in common.
  chmodSync(listen, 0o666)
  log.info({ listen, roots }, 'listening')
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
  })
}
