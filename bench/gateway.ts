import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Install } from '../src/config/load.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { putSecret } from '../src/domain/vault-edits.ts'
import type { Bench, BenchRequest } from './bench.ts'
import { type BenchHost, startBenchHost } from './bench-host.ts'
import { rounded } from './figures.ts'
import type { UpstreamOrder, UpstreamPorts } from './gateway-upstream.ts'
import { scriptInSandbox } from './in-sandbox.ts'
import { ownCertificates } from './own-certificates.ts'

const GROUP = 'bench' as GroupName
const HOST = '127.0.0.1'
const TRANSFER_BYTES = 2_000_000_000
const TRANSFERS = 3
const MEMORY_MS = 100
const MB = 1_000_000

const Streamed = z.object({ ttfbAdded: z.number(), chunkAdded: z.number() })
const Transferred = z.object({ direct: z.number(), opened: z.number(), tunnelled: z.number() })

/**
 * What the gateway adds over the same requests made directly, from one process in a real sandbox, in turn. Door one:
 * `-n` streamed answers of a model. Door two: 2 GB over TLS, three times directly, three times opened and three times
 * tunnelled; the ratio is that of the slower kind. Memory is that of the host process while they pass.
 */
export const gateway: Bench = {
  defaultRuns: 100,
  async run(request) {
    const folder = mkdtempSync(join(tmpdir(), 'creel-bench-gw-'))
    const upstream = fork(join(import.meta.dirname, 'gateway-upstream.ts'))
    try {
      const { ca, key, cert } = await ownCertificates(HOST)
      const ports = await startUpstream(upstream, { key, cert })
      return await withHost(request, { folder, ports, ca })
    } finally {
      upstream.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
