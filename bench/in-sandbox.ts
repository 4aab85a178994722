import { text } from 'node:stream/consumers'
import { engineClient } from '../src/adapters/docker/engine-client.ts'
import type { Install } from '../src/config/load.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { installSocket } from '../src/host-parts.ts'
import type { BenchHost } from './bench-host.ts'

/** Runs a script of Node inside the running sandbox of the bench and returns the JSON of its last line. */
export async function scriptInSandbox(
  bench: BenchHost,
  install: Install,
  script: string,
  args: readonly string[] = [],
): Promise<unknown> {
  const handle = bench.host.supervisor.handle('bench' as GroupName)
  if (!handle) throw new Error('the sandbox is not there')
  const exec = await engineClient(installSocket(install))
    .getContainer(handle.id)
    .exec({
      Cmd: ['/usr/local/bin/node', '-e', script, '--', ...args],
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    })
  const output = await text(await exec.start({ Tty: true }))
  const last = output.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) throw new Error(`the sandbox said: ${output.slice(-2_000)}`)
  return JSON.parse(last)
}
