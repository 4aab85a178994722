import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Bench, BenchRequest } from './bench.ts'
import { percentile, rounded } from './figures.ts'
import { scriptInSandbox } from './in-sandbox.ts'
import { MODELS, type ModelHost, startModelHost } from './model-host.ts'

const BareTurn = z.object({ ms: z.number(), session: z.string() })
const SLOW_TURNS = 5

/**
 * What Creel adds to a runtime and what it saves, pair by pair: one turn of a warm conversation through Creel, and the
 * same turn by the runtime's own command line in the same sandbox, a fresh process that resumes its conversation,
 * through the same gateway to the same mock of a model. And how long a person waits for the first text of an answer
 * that takes two seconds to write.
 */
export const provider: Bench = {
  defaultRuns: 20,
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
  const script = readFileSync(join(import.meta.dirname, 'bare-turn.cjs'), 'utf8')
  const model = MODELS[name] ?? ''
  const bareTurn = async (session: string, word: string) =>
    BareTurn.parse(await scriptInSandbox(host.bench, request.install, script, [name, model, session, word]))
  request.say(`${name}: waking the sandbox`)
  await host.turn('1', 'ping-101')
  const { session } = await bareTurn('-', 'ping-102')
  // Once more each: what is read from disk for the first time is not part of a turn.
  await host.turn('1', 'ping-103')
  await bareTurn(session, 'ping-104')
  const [ours, bare]: [number[], number[]] = [[], []]
  for (let n = 0; n < request.runs; n++) {
    request.signal.throwIfAborted()
    request.say(`${name}: pair ${n + 1} of ${request.runs}`)
    ours.push((await host.turn('1', `ping-${1_000 + 2 * n}`)).whole)
    bare.push((await bareTurn(session, `ping-${1_001 + 2 * n}`)).ms)
  }
  const first: number[] = []
  for (let n = 0; n < SLOW_TURNS; n++) {
    request.signal.throwIfAborted()
    request.say(`${name}: slow answer ${n + 1} of ${SLOW_TURNS}`)
    first.push((await host.turn('1', `slow-${100 + n}`)).first)
  }
  const ratios = ours.map((ms, n) => ms / (bare[n] ?? Number.NaN))
  return {
    [`ratio_${name}`]: rounded(percentile(ratios, 0.5)),
    [`worst_ratio_${name}`]: rounded(percentile(ratios, 1)),
    [`turn_ms_${name}`]: rounded(percentile(ours, 0.5)),
    [`bare_ms_${name}`]: rounded(percentile(bare, 0.5)),
    [`first_text_ms_${name}`]: rounded(percentile(first, 0.5)),
  }
}
