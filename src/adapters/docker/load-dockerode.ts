import { createRequire } from 'node:module'
import type Docker from 'dockerode'

/** Inside of dockerode and its docker-modem: the session of BuildKit, on gRPC, and engines reached by ssh. */
const UNUSED = ['dockerode/lib/session.js', 'docker-modem/lib/ssh.js']

/**
 * dockerode without two parts that we never call and that each host would load at its start: a tenth of a second and
 * 18 MB. Empty modules stand in their places; a call of them would fail at once.
 */
export function loadDockerode(): typeof Docker {
  const modules = createRequire(import.meta.url)
  const ofDockerode = createRequire(modules.resolve('dockerode'))
  for (const path of UNUSED.map((name) => ofDockerode.resolve(name))) {
    modules.cache[path] ??= { id: path, filename: path, path, loaded: true, exports: {} } as NodeJS.Module
  }
  return modules('dockerode') as typeof Docker
}
