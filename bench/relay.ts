import type { Bench } from './bench.ts'
import { startBenchHost } from './bench-host.ts'
import { percentile, rounded } from './figures.ts'

const WARM_UP = 20
/** Gaps between messages differ, so that no timer of ours can fall into step with them. */
const GAP_MS = 40

/**
 * Warm latency of both ways. In: from the inbound commit to the provider's turn. Out: from the provider's last word,
 * so the outbox commit itself is counted too, to the call of the channel's send.
 */
export const relay: Bench = {
  defaultRuns: 200,
  async run({ install, runs, say, signal }) {
    const bench = await startBenchHost(install, say)
    try {
      say('waking the sandbox')
      for (let i = 0; i < WARM_UP; i++) await bench.roundTrip()
      say(`measuring ${runs} messages`)
      const inMs: number[] = []
      const outMs: number[] = []
      for (let i = 0; i < runs; i++) {
        signal.throwIfAborted()
        const { committed, begun, ended, sent } = await bench.roundTrip()
        inMs.push(begun - committed)
        outMs.push(sent - ended)
        await bench.host.parts.core.clock.sleep(GAP_MS * (0.5 + Math.random()), signal)
      }
      return {
        in_p50_ms: rounded(percentile(inMs, 0.5)),
        in_p99_ms: rounded(percentile(inMs, 0.99)),
        out_p50_ms: rounded(percentile(outMs, 0.5)),
        out_p99_ms: rounded(percentile(outMs, 0.99)),
      }
    } finally {
      await bench[Symbol.asyncDispose]()
    }
  },
}
