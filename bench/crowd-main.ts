// Many runners in one process, to put load on a host without as many containers. Started by the CrowdEngine.
import { SANDBOX_PATHS } from '@creel/protocol'
import { createRunner, PROVIDERS, startToolServer, systemClock } from '../container/runner/src/index.ts'
import type { Mount } from '../src/domain/ports/sandbox.ts'

/** What the engine asks for. */
export type CrowdOrder =
  | { readonly do: 'start'; readonly id: string; readonly mounts: readonly Mount[] }
  | { readonly do: 'stop'; readonly id: string }

const running = new Map<string, AbortController>()

function start(id: string, mounts: readonly Mount[]): void {
  const at = (target: string) => mounts.find((mount) => mount.target === target)?.source ?? ''
  const stop = new AbortController()
  running.set(id, stop)
  const ended = () => {
    running.delete(id)
    // Nobody may be left to tell.
    process.send?.({ ended: id }, () => undefined)
  }
  createRunner({
    inDir: at(SANDBOX_PATHS.in),
    outDir: at(SANDBOX_PATHS.out),
    runDir: at(SANDBOX_PATHS.run),
    homeDir: at(SANDBOX_PATHS.home),
    workspaceDir: at(SANDBOX_PATHS.workspace),
    memoryDir: at(SANDBOX_PATHS.memory),
    skillsDir: at(SANDBOX_PATHS.skills),
    clock: systemClock,
    providers: PROVIDERS,
    startToolServer,
    log: () => undefined,
    ending: { crash: ended, exit: ended },
    gatewayPort: null,
  })
    .run(stop.signal)
    .then(ended, ended)
}

process.on('message', (order: CrowdOrder) => {
  if (order.do === 'start') start(order.id, order.mounts)
  else running.get(order.id)?.abort()
})
// When to end is the parent's decision, however the terminal's Ctrl-C arrives.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => undefined)
process.on('disconnect', () => process.exit(0))
