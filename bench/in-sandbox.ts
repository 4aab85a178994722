import { engineClient } from '../src/adapters/docker/engine-client.ts'
import type { Install } from '../src/config/load.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { installSocket } from '../src/host-parts.ts'
import type { BenchHost } from './bench-host.ts'
import { nodeIn } from './networked-container.ts'

/** Runs a script of Node inside the running sandbox of the bench and returns the JSON of its last line. */
export async function scriptInSandbox(
  bench: BenchHost,
  install: Install,
  script: string,
  args: readonly string[] = [],
): Promise<unknown> {
  const handle = bench.host.supervisor.handle('bench' as GroupName)
  if (!handle) throw new Error('the sandbox is not there')
  return nodeIn(engineClient(installSocket(install)).getContainer(handle.id), script, args)
}
