// A runner that dies where it is told to: the sandbox of the chaos run. `chaos-runner.ts <ChaosRunnerSetup as JSON>`.
import { type OutboxEntry, OutboxWriter, SANDBOX_PATHS } from '@creel/protocol'
import {
  createRunner,
  jsonLog,
  type Outbox,
  PROVIDERS,
  systemClock,
} from '../../container/runner/src/index.ts'
import type { Mount } from '../../src/domain/ports/sandbox.ts'
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

function openOutbox(path: string): Outbox & Disposable {
  const outbox = new OutboxWriter(path)
  const append = (entries: readonly OutboxEntry[], now: number) => {
    const kind = (['accepted', 'settled'] as const).find((type) =>
      entries.some((entry) => entry.type === type),
    )
    if (kind) wire.pass(`before outbox.${kind}`)
    const seq =
      setup.mutation === 'settle-outside' && kind === 'settled'
        ? settledFirst(outbox, entries, now)
        : outbox.append(entries, now)
    if (kind) wire.pass(`after outbox.${kind}`)
    return seq
  }
  return {
    append,
    attempts: (seq) => outbox.attempts(seq),
    settled: () => outbox.settled(),
    namedFiles: () => outbox.namedFiles(),
    prune: (seq, oldest) => {
      wire.pass('before outbox.prune')
      outbox.prune(seq, oldest)
      wire.pass('after outbox.prune')
    },
    [Symbol.dispose]: () => outbox[Symbol.dispose](),
  }
}

/** The mutation: the settlement in a transaction of its own, before what the turn said. */
function settledFirst(outbox: OutboxWriter, entries: readonly OutboxEntry[], now: number): number {
  const settled = entries.filter(({ type }) => type === 'settled')
  const seq = outbox.append(settled, now)
  wire.pass('before outbox.settled')
  const rest = entries.filter(({ type }) => type !== 'settled')
  return rest.length === 0 ? seq : outbox.append(rest, now)
}

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const crash = () => process.kill(process.pid, 'SIGKILL')
await createRunner({
  inDir: at(SANDBOX_PATHS.in),
  outDir: at(SANDBOX_PATHS.out),
  runDir: at(SANDBOX_PATHS.run),
  homeDir: at(SANDBOX_PATHS.home),
  workspaceDir: at(SANDBOX_PATHS.workspace),
  memoryDir: at(SANDBOX_PATHS.memory),
  clock: systemClock,
  providers: PROVIDERS,
  log: jsonLog((line) => process.stderr.write(line), systemClock),
  ending: { crash, exit: crash },
  openOutbox,
}).run(stop.signal)
