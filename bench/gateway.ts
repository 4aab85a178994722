import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import { HostLookup } from '../src/adapters/gateway/proxy/host-lookup.ts'
import type { Install } from '../src/config/load.ts'
import { GroupConfig } from '../src/config/schema.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { putSecret } from '../src/domain/vault-edits.ts'
import type { Bench, BenchRequest } from './bench.ts'
import { type BenchHost, startBenchHost } from './bench-host.ts'
import { rounded } from './figures.ts'
import type { DirectOrder, UpstreamOrder, UpstreamPorts } from './gateway-upstream.ts'
import { scriptInSandbox } from './in-sandbox.ts'
import { ownCertificate } from './own-certificate.ts'

const GROUP = 'bench' as GroupName
const LOOPBACK = '127.0.0.1'
/** A name, as TLS wants one; it is looked up nowhere. */
const HOST = 'upstream.test'
const SECRET = 'anthropic/bench'
const KEY = 'sk-of-the-bench-0123456789abcdef'

const TRANSFER_BYTES = 2_000_000_000
const TRANSFERS = 3
const MEMORY_MS = 50
const MIB = 1024 ** 2

const Streamed = z.object({ ttfbAdded: z.number(), chunkAdded: z.number() })
const Transferred = z.object({ direct: z.number(), opened: z.number(), tunnelled: z.number() })

/**
 * What the gateway adds over the same requests made directly, from one process in a real sandbox, in turn. Door one:
 * `-n` streamed answers of a model. Door two: 2 GB over TLS, three times each directly, tunnelled as hosts
 * are that need nothing done to them (`throughput_ratio`), and opened, which decrypts and encrypts all of it once more
 * (`opened_throughput_ratio`). Memory is that of the host process while they pass.
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
      const { ca, key, cert } = await ownCertificate(HOST)
      const ports: UpstreamPorts = await ask({ key, cert })
      const install = installWith(request.install, folder, ports)
      const bench = await startBenchHost(install, request.say, groupConfig(ports), {
        lookup: new HostLookup(async () => [{ address: LOOPBACK, family: 4 }]),
        trust: createSecureContext({ ca }),
      })
      try {
        const { core } = bench.host.parts
        await core.vault.change(putSecret(SECRET, { kind: 'api-key', key: KEY }, core.clock.now()))
        await bench.roundTrip()
        const run = core.install.paths.runDir(GROUP)
        await ask({ plain: join(run, 'direct.sock'), tls: join(run, 'direct-tls.sock') })
        return await measure(bench, request, ports)
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
  const anthropic = { ...models.anthropic, base_url: `http://${LOOPBACK}:${ports.model}`, key_file: '' }
  const config = {
    ...install.config,
    models: { ...models, anthropic },
    vault: { ...vault, key_file: join(folder, 'master.key'), key_command: [] },
  }
  return { ...install, config, env: { ...install.env, masterKeyFile: undefined } }
}

/** Requests are read where a rule limits them; what comes from the other port is passed on as it is. */
function groupConfig({ opened, tunnelled }: UpstreamPorts): Partial<GroupConfig> {
  const rule = { host: HOST, paths: [], private: true }
  return {
    ...GroupConfig.parse({ limits: { egress: { mb_per_hour: 1_000_000 } } }),
    secrets: [SECRET],
    egress: [
      { ...rule, ports: [opened], methods: ['GET'] },
      { ...rule, ports: [tunnelled], methods: [] },
    ],
  }
}

async function measure(
  bench: BenchHost,
  { install, runs, say }: BenchRequest,
  { opened, tunnelled }: UpstreamPorts,
): Promise<Record<string, number>> {
  const script = readFileSync(join(import.meta.dirname, 'gateway-client.cjs'), 'utf8')
  const inSandbox = (...args: (string | number)[]) =>
    scriptInSandbox(bench, install, script, args.map(String))
  say(`streaming ${runs} answers, each directly and through the gateway`)
  const streamed = Streamed.parse(await inSandbox('stream', runs))
  const transfer = async (bytes: number, rounds: number) =>
    Transferred.parse(await inSandbox('transfer', bytes, rounds, `${HOST}:${opened}`, `${HOST}:${tunnelled}`))
  // What the first connections take for good is not of the transfer.
  await transfer(TRANSFER_BYTES / 20, 1)
  say(`fetching ${TRANSFERS} times 2 GB directly, opened and tunnelled`)
  const memory = new MemoryWatch()
  const { direct, ...ways } = await transfer(TRANSFER_BYTES, TRANSFERS)
  const growth = memory.end()
  say(`MB/s: direct ${rounded(direct)}, opened ${rounded(ways.opened)}, tunnelled ${rounded(ways.tunnelled)}`)
  return {
    ttfb_added_p50_ms: rounded(streamed.ttfbAdded),
    chunk_added_p50_ms: rounded(streamed.chunkAdded),
    throughput_ratio: rounded(ways.tunnelled / direct),
    opened_throughput_ratio: rounded(ways.opened / direct),
    direct_mb_s: rounded(direct),
    rss_growth_mb: rounded(growth / MIB),
  }
}

/** How far the memory of this process rises above where it began. */
class MemoryWatch {
  readonly #from = process.memoryUsage.rss()
  #most = this.#from
  readonly #timer = setInterval(() => {
    this.#most = Math.max(this.#most, process.memoryUsage.rss())
  }, MEMORY_MS)

  /** Bytes. */
  end(): number {
    clearInterval(this.#timer)
    return this.#most - this.#from
  }
}
