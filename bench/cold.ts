import { createBody } from '../src/adapters/docker/convert.ts'
import { engineClient } from '../src/adapters/docker/engine-client.ts'
import { GroupConfig } from '../src/config/schema.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { installSocket } from '../src/host-parts.ts'
import { sandboxSpec } from '../src/sandboxes/sandbox-spec.ts'
import type { Bench, BenchRequest } from './bench.ts'
import { type BenchHost, startBenchHost } from './bench-host.ts'
import { percentile, preciseNow, rounded } from './figures.ts'

/**
 * Waking: message commit to turn start, from no container and from a paused one. The floor is taken in turn with
 * it: create and start of the same image with the same flags and mounts, until the first line of JavaScript.
 */
export const cold: Bench = {
  defaultRuns: 10,
  async run(request) {
    const bench = await startBenchHost(request.install, request.say)
    try {
      await bench.roundTrip()
      const wakes: number[] = []
      const floors: number[] = []
      const paused: number[] = []
      for (let i = 0; i < request.runs; i++) {
        request.signal.throwIfAborted()
        request.say(`wake ${i + 1} of ${request.runs}`)
        paused.push(await wakeAfter(bench, 'pause'))
        wakes.push(await wakeAfter(bench, 'destroy'))
        floors.push(await floor(bench, request))
      }
      const [wake, base] = [percentile(wakes, 0.5), percentile(floors, 0.5)]
      return {
        wake_p50_ms: rounded(wake),
        floor_p50_ms: rounded(base),
        ratio: rounded(wake / base),
        paused_p50_ms: rounded(percentile(paused, 0.5)),
      }
    } finally {
      await bench[Symbol.asyncDispose]()
    }
  },
}

/** Puts the sandbox to sleep behind the supervisor's back, lets it see that, and sends a message. */
async function wakeAfter(bench: BenchHost, how: 'pause' | 'destroy'): Promise<number> {
  const { engine } = bench.host.parts
  const { supervisor } = bench.host
  const handle = supervisor.handle('bench' as GroupName)
  if (!handle) throw new Error('the sandbox is not there')
  if (how === 'pause') await engine.pause(handle)
  else await engine.destroy(handle, { graceMs: 0 })
  await supervisor.refresh(new AbortController().signal)
  const { committed, begun } = await bench.roundTrip()
  return begun - committed
}

async function floor(bench: BenchHost, { install }: BenchRequest): Promise<number> {
  const { core } = bench.host.parts
  const docker = engineClient(installSocket(install))
  const spec = sandboxSpec('bench' as GroupName, GroupConfig.parse({}), core.install.paths, {
    image: bench.image,
    protocol: 1,
  })
  const body = createBody(spec, { 'creel.bench': 'floor' }, (path) => path)
  const begun = preciseNow()
  const container = await docker.createContainer({
    ...body,
    Entrypoint: ['/usr/local/bin/node', '-e', 'console.log(performance.timeOrigin + performance.now())'],
    AttachStdout: true,
  })
  try {
    const stream = await container.attach({ stream: true, stdout: true })
    const first = new Promise<void>((resolve) => stream.once('data', () => resolve()))
    await container.start()
    await first
    return preciseNow() - begun
  } finally {
    await container.remove({ force: true })
  }
}
