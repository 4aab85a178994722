import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Install } from '../src/config/load.ts'
import type { GroupConfig } from '../src/config/schema.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { putSecret } from '../src/domain/vault-edits.ts'
import type { Bench, BenchRequest } from './bench.ts'
import { type BenchHost, startBenchHost } from './bench-host.ts'
import { rounded } from './figures.ts'
import type { DirectOrder, UpstreamOrder, UpstreamPorts } from './gateway-upstream.ts'
import { scriptInSandbox } from './in-sandbox.ts'
import { ownCertificate } from './own-certificate.ts'

const GROUP = 'bench' as GroupName
const HOST = '127.0.0.1'
const SECRET = 'anthropic/bench'
const KEY = 'sk-of-the-bench-0123456789abcdef'

const Streamed = z.object({ ttfbAdded: z.number(), chunkAdded: z.number() })

/**
 * What the gateway adds over the same requests made directly, from one process in a real sandbox, in turn: `-n` streamed answers of a model.
 */
export const gateway: Bench = {
  defaultRuns: 100,
  async run(request) {
    const folder = mkdtempSync(join(tmpdir(), 'creel-bench-gw-'))
    const upstream = fork(join(import.meta.dirname, 'gateway-upstream.ts'))
    const ask = async (order: UpstreamOrder | DirectOrder) => {
      upstream.send(order)
      const [answer] = await once(upstream, 'message')
      return answer
    }
    try {
      const { key, cert } = await ownCertificate(HOST)
      const ports: UpstreamPorts = await ask({ key, cert })
      const install = installWith(request.install, folder, ports)
      const bench = await startBenchHost(install, request.say, groupConfig())
      try {
        const { core } = bench.host.parts
        await core.vault.change(putSecret(SECRET, { kind: 'api-key', key: KEY }, core.clock.now()))
        await bench.roundTrip()
        const run = core.install.paths.runDir(GROUP)
        await ask({ plain: join(run, 'direct.sock'), tls: join(run, 'direct-tls.sock') })
        return await measure(bench, request)
      } finally {
        await bench[Symbol.asyncDispose]()
      }
    } finally {
      upstream.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** The model is the upstream, and the master key is not the one of this account. */
function installWith(install: Install, folder: string, ports: UpstreamPorts): Install {
  const { models, vault } = install.config
  const anthropic = { ...models.anthropic, base_url: `http://${HOST}:${ports.model}`, key_file: '' }
  const config = {
    ...install.config,
    models: { ...models, anthropic },
    vault: { ...vault, key_file: join(folder, 'master.key'), key_command: [] },
  }
  return { ...install, config, env: { ...install.env, masterKeyFile: undefined } }
}

function groupConfig(): Partial<GroupConfig> {
  return { provider: 'demo', secrets: [SECRET] }
}

async function measure(
  bench: BenchHost,
  { install, runs, say }: BenchRequest,
): Promise<Record<string, number>> {
  const script = readFileSync(join(import.meta.dirname, 'gateway-client.cjs'), 'utf8')
  say(`streaming ${runs} answers, each directly and through the gateway`)
  const streamed = Streamed.parse(await scriptInSandbox(bench, install, script, ['stream', String(runs)]))
  return { ttfb_added_p50_ms: rounded(streamed.ttfbAdded), chunk_added_p50_ms: rounded(streamed.chunkAdded) }
}
