import { z } from 'zod'
import type { Bench, BenchRequest } from './bench.ts'
import { rounded } from './figures.ts'
import { scriptInSandbox } from './in-sandbox.ts'
import { MODELS, type ModelHost, startModelHost } from './model-host.ts'

/** Time for a runtime to put away what a turn needed. */
const SETTLE_MS = 3_000
const KIB_PER_MB = 1024

/**
 * Proportional memory of the processes in the sandbox, in KiB: pages that several share count once in all. Of the
 * runtime alone, and of everything but this script; PID 1 is the init.
 */
const SCRIPT = `
const { readdirSync, readFileSync } = require('node:fs')
const read = (path) => { try { return readFileSync(path, 'utf8') } catch { return '' } }
let all = 0, runtime = 0
for (const pid of readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && Number(name) !== process.pid)) {
  const kib = Number(/^Pss:\\s+(\\d+)/m.exec(read('/proc/' + pid + '/smaps_rollup'))?.[1] ?? 0)
  all += kib
  if (!/boot\\.cjs|docker-init/.test(read('/proc/' + pid + '/cmdline'))) runtime += kib
}
console.log(JSON.stringify({ all, runtime }))`

const Memory = z.object({ all: z.number(), runtime: z.number().positive() })

/**
 * Memory that one more idle conversation costs, when the others have had a turn, too; beside what it would cost if each
 * had a process of the runtime for itself.
 */
export const providerMemory: Bench = {
  defaultRuns: 30,
  async run(request) {
    const figures: Record<string, number> = {}
    for (const name of Object.keys(MODELS)) {
      const host = await startModelHost(request.install, name, request.say)
      try {
        Object.assign(figures, await measure(name, host, request))
      } finally {
        await host[Symbol.asyncDispose]()
      }
    }
    return figures
  },
}

async function measure(
  name: string,
  host: ModelHost,
  request: BenchRequest,
): Promise<Record<string, number>> {
  const { clock } = host.bench.host.parts.core
  const memory = async () => {
    await clock.sleep(SETTLE_MS, request.signal)
    return Memory.parse(await scriptInSandbox(host.bench, request.install, SCRIPT))
  }
  const session = async (n: number) => {
    request.signal.throwIfAborted()
    request.say(`${name}: session ${n} of ${request.runs}`)
    await host.turn(String(n), `ping-${1_000 + n}`)
  }
  await session(1)
  const one = await memory()
  for (let n = 2; n <= request.runs; n++) await session(n)
  const all = await memory()
  const more = request.runs > 1 ? (all.all - one.all) / (request.runs - 1) : 0
  return {
    [`per_session_mb_${name}`]: rounded(more / KIB_PER_MB),
    [`process_mb_${name}`]: rounded(one.runtime / KIB_PER_MB),
    [`all_mb_${name}`]: rounded(all.all / KIB_PER_MB),
  }
}
