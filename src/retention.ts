import type { InstallConfig } from './config/schema.ts'
import type { UnixMs } from './domain/ids.ts'
import type { Clock } from './domain/ports/clock.ts'
import type { EgressLogStore } from './domain/ports/egress-log.ts'
import type { RetentionStore } from './domain/ports/retention.ts'
import { Pump, type PumpOptions, type StepResult } from './pump.ts'

const DAY_MS = 86_400_000
const EVERY_MS = 3_600_000
/** Rows in one go, and the rest between two: messages must not wait for what is thrown away (I7). */
const ROWS = 200
const REST_MS = 50

export interface RetentionPorts {
  readonly store: RetentionStore
  readonly egressLog: Pick<EgressLogStore, 'forget'>
  readonly clock: Clock
  readonly days: InstallConfig['retention']
}

/** Forgets, every hour and a little at a time, what is older than the settings say. 0 days keep a kind for ever. */
export function retentionPump(
  ports: RetentionPorts,
  pump: Pick<PumpOptions<string>, 'log' | 'random'>,
): Pump<string> {
  return new Pump<string>({
    ...{ ...pump, clock: ports.clock, name: 'retention', maxConcurrent: 1, pollMs: EVERY_MS },
    backoff: { baseMs: 60_000, maxMs: EVERY_MS },
    keys: () => ['retention'],
    step: () => forgetSome(ports),
  })
}

/** One step of it. */
export function forgetSome({ store, egressLog, clock, days }: RetentionPorts): StepResult {
  const now = clock.now()
  const kinds: readonly [number, (before: UnixMs, limit: number) => number][] = [
    [days.deliveries_days, (before, limit) => store.deliveries(before, limit)],
    [days.messages_days, (before, limit) => store.messages(before, limit)],
    [days.own_chat_days, (before, limit) => store.ownChatLines(before, limit)],
    [days.egress_days, (before, limit) => egressLog.forget(before, limit)],
  ]
  const gone = kinds
    .filter(([kept]) => kept > 0)
    .map(([kept, forget]) => forget((now - kept * DAY_MS) as UnixMs, ROWS))
  return gone.some((rows) => rows > 0) ? { waitMs: REST_MS } : 'idle'
}
