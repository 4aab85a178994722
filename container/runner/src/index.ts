export { type Clock, systemClock } from './clock.ts'
export { type EventLog, jsonLog } from './log.ts'
export type { Outbox } from './outbox-commits.ts'
export type {
  ProcessEnding,
  ProviderEntry,
  ProviderParts,
  ProviderRuntime,
  ProviderTable,
  Turn,
} from './provider.ts'
export { PROVIDERS, startToolServer } from './providers.ts'
export { EXIT_CONFIG, RunnerRefusal } from './refusal.ts'
export { createRunner, type Runner, type RunnerOptions } from './runner.ts'
