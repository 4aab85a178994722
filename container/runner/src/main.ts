import { join } from 'node:path'
import { SANDBOX_PATHS } from '@creel/protocol'
import { systemClock } from './clock.ts'
import { errorText, jsonLog } from './log.ts'
import { PROVIDERS, startToolServer } from './providers.ts'
import { RunnerRefusal } from './refusal.ts'
import { createRunner } from './runner.ts'

/** The engine kills two seconds after SIGTERM; leave before that, whatever still hangs. */
const GIVE_UP_MS = 1_800

/** Another parent for the sandbox's folders than `/`, to run without a container. */
const [, , root = '/'] = process.argv

const log = jsonLog((line) => process.stderr.write(line), systemClock)
const stop = new AbortController()
const runner = createRunner({
  inDir: join(root, SANDBOX_PATHS.in),
  outDir: join(root, SANDBOX_PATHS.out),
  runDir: join(root, SANDBOX_PATHS.run),
  homeDir: join(root, SANDBOX_PATHS.home),
  workspaceDir: join(root, SANDBOX_PATHS.workspace),
  skillsDir: join(root, SANDBOX_PATHS.skills),
  memoryDir: join(root, SANDBOX_PATHS.memory),
  clock: systemClock,
  providers: PROVIDERS,
  startToolServer,
  log,
  // Without a container the port is not ours to take.
  ...(root === '/' ? {} : { gatewayPort: null }),
  ending: {
    crash: () => process.kill(process.pid, 'SIGKILL'),
    exit: (code) => process.exit(code),
  },
})

const onSignal = () => {
  stop.abort()
  setTimeout(() => process.exit(0), GIVE_UP_MS).unref()
}
process.on('SIGTERM', onSignal)
process.on('SIGINT', onSignal)

runner.run(stop.signal).catch((error: unknown) => {
  process.exitCode = error instanceof RunnerRefusal ? error.exitCode : 70
  log('runner_failed', { error: errorText(error) })
})
