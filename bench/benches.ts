import type { Bench } from './bench.ts'
import { cold } from './cold.ts'
import { relay } from './relay.ts'
import { throughput } from './throughput.ts'

/** Every benchmark by its name. A new one: a file here and a line below. */
export const BENCHES: Readonly<Record<string, Bench>> = { relay, cold, throughput }
