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
import { measureTransfers, type Way } from './gateway-transfers.ts'
import type { DirectOrder, DirectPorts, UpstreamOrder, UpstreamPorts } from './gateway-upstream.ts'
import { scriptInSandbox } from './in-sandbox.ts'
import { type NetworkedContainer, startNetworked } from './networked-container.ts'
import { ownCertificate } from './own-certificate.ts'

const GROUP = 'bench' as GroupName
const LOOPBACK = '127.0.0.1'
/** A name, as TLS wants one; it is looked up nowhere. */
const HOST = 'upstream.test'
const SECRET = 'anthropic/bench'
const KEY = 'sk-of-the-bench-0123456789abcdef'

const Speed = z.object({ speed: z.number() })
const Streamed = z.object({ ttfbAdded: z.number(), chunkAdded: z.number() })

/**
 * What the gateway adds over the same requests made directly. Door one: `-n` streamed answers of a model, in turn
 * through the gateway and through a socket without anything between. Large answers: in turn through the gateway of a
 * sandbox, and from a container of the same image that has a bridge network, as containers have that need no gateway;
 * over TLS, tunnelled as hosts are that need nothing done to them (`throughput_ratio`), and opened, which decrypts and
 * encrypts all of it once more (`opened_throughput_ratio`). Memory is that of the host process while they pass.
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
        await using networked = await startNetworked(install, bench.image)
        const socket = join(core.install.paths.runDir(GROUP), 'direct.sock')
        const direct: DirectPorts = await ask({ socket, address: networked.hostAddress })
        const addresses: Record<Way, string> = {
          direct: `${networked.hostAddress}:${direct.tls}`,
          modelDirect: `${networked.hostAddress}:${direct.plain}`,
          opened: `${HOST}:${ports.opened}`,
          tunnelled: `${HOST}:${ports.tunnelled}`,
          model: '',
        }
        return await measure(bench, networked, request, addresses)
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
    ...GroupConfig.parse({
      limits: { egress: { mb_per_hour: 1_000_000 } },
      // No turn runs while its sandbox is measured: it would be paused.
      idle: { pause_after_s: 3_600, stop_after_s: 7_200 },
    }),
    secrets: [SECRET],
    egress: [
      { ...rule, ports: [opened], methods: ['GET'] },
      { ...rule, ports: [tunnelled], methods: [] },
    ],
  }
}

async function measure(
  bench: BenchHost,
  networked: NetworkedContainer,
  { install, runs, say }: BenchRequest,
  addresses: Record<Way, string>,
): Promise<Record<string, number>> {
  const script = readFileSync(join(import.meta.dirname, 'gateway-client.cjs'), 'utf8')
  const inSandbox = (args: readonly string[]) => scriptInSandbox(bench, install, script, args)
  const beside = (args: readonly string[]) => networked.script(script, args)
  say(`streaming ${runs} answers, each directly and through the gateway`)
  const streamed = Streamed.parse(await inSandbox(['stream', `${runs}`]))
  const transfers = await measureTransfers(async (bytes, way) => {
    const run = way === 'direct' || way === 'modelDirect' ? beside : inSandbox
    return Speed.parse(await run(['transfer', `${bytes}`, way, addresses[way]])).speed
  }, say)
  return {
    ttfb_added_p50_ms: rounded(streamed.ttfbAdded),
    chunk_added_p50_ms: rounded(streamed.chunkAdded),
    ...transfers,
  }
}
