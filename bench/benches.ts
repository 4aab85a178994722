import type { Bench } from './bench.ts'
import { burst } from './burst.ts'
import { cold } from './cold.ts'
import { gateway } from './gateway.ts'
import { idle } from './idle.ts'
import { isolation } from './isolation.ts'
import { provider } from './provider.ts'
import { providerMemory } from './provider-memory.ts'
import { relay } from './relay.ts'
import { soak } from './soak.ts'
import { throughput } from './throughput.ts'

/** Every benchmark by its name. A new one: a file here and a line below. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  provider,
  'provider-memory': providerMemory,
  relay,
  cold,
  burst,
  throughput,
  gateway,
  idle,
  isolation,
  soak,
}
