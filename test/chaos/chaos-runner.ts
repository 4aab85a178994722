// A runner that dies where it is told to: the sandbox of the chaos run. `chaos-runner.ts <ChaosRunnerSetup as JSON>`.
import { join } from 'node:path'
import { GATEWAY_FILE, type OutboxEntry, OutboxWriter, SANDBOX_PATHS } from '@creel/protocol'
import { GatewayForwarder } from '../../container/runner/src/gateway-forwarder.ts'
import {
  createRunner,
  jsonLog,
  PROVIDERS,
  type ProviderTable,
  startToolServer,
  systemClock,
} from '../../container/runner/src/index.ts'
import { DemoProvider } from '../../container/runner/src/providers/demo/provider.ts'
import type { Mount } from '../../src/domain/ports/sandbox.ts'
import { CallingProvider } from './calling-provider.ts'
import { type Arm, Tripwire } from './crash-points.ts'

export interface ChaosRunnerSetup {
  readonly mounts: readonly Mount[]
  readonly arm: Arm | null
  readonly noteFile: string
  /** Name of a mutation of the runner, or none. */
  readonly mutation: string | null
}

const setup = JSON.parse(process.argv[2] ?? '') as ChaosRunnerSetup
const wire = new Tripwire(setup.arm, setup.noteFile)
const at = (target: string) => setup.mounts.find((mount) => mount.target === target)?.source ?? ''

/** The real outbox with the wires on it. */
class WiredOutbox extends OutboxWriter {
  override append(entries: readonly OutboxEntry[], now: number): number {
    const kind = (['accepted', 'settled', 'call'] as const).find((type) =>
      entries.some((entry) => entry.type === type),
    )
    if (kind) wire.pass(`before outbox.${kind}`)
    const seq =
      setup.mutation === 'settle-outside' && kind === 'settled'
        ? this.#settledFirst(entries, now)
        : super.append(entries, now)
    if (kind) wire.pass(`after outbox.${kind}`)
    return seq
  }

  override prune(seq: number, oldestInboxSeq: number): void {
    wire.pass('before outbox.prune')
    super.prune(seq, oldestInboxSeq)
    wire.pass('after outbox.prune')
  }

  /** The mutation: the settlement in a transaction of its own, before what the turn said. */
  #settledFirst(entries: readonly OutboxEntry[], now: number): number {
    const seq = super.append(
      entries.filter(({ type }) => type === 'settled'),
      now,
    )
    wire.pass('before outbox.settled')
    const rest = entries.filter(({ type }) => type !== 'settled')
    return rest.length === 0 ? seq : super.append(rest, now)
  }
}

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
// Many runners share this machine's loopback, so each has a port of its own.
const forwarder = new GatewayForwarder({
  ...{ port: 0, path: join(at(SANDBOX_PATHS.run), GATEWAY_FILE), clock: systemClock },
})
const gateway = `http://127.0.0.1:${await forwarder.listen()}`
const providers: ProviderTable = {
  ...PROVIDERS,
  demo: { needsGateway: false, make: (parts) => new CallingProvider(new DemoProvider(parts), gateway) },
}
const crash = () => process.kill(process.pid, 'SIGKILL')
await createRunner({
  inDir: at(SANDBOX_PATHS.in),
  outDir: at(SANDBOX_PATHS.out),
  runDir: at(SANDBOX_PATHS.run),
  homeDir: at(SANDBOX_PATHS.home),
  workspaceDir: at(SANDBOX_PATHS.workspace),
  memoryDir: at(SANDBOX_PATHS.memory),
  skillsDir: at(SANDBOX_PATHS.skills),
  clock: systemClock,
  providers,
  startToolServer,
  log: jsonLog((line) => process.stderr.write(line), systemClock),
  ending: { crash, exit: crash },
  gatewayPort: null,
  openOutbox: (path) => new WiredOutbox(path),
}).run(stop.signal)
await forwarder.close()
