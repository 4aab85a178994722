import type { RunnerSettings, TurnEvent, TurnInput } from '@creel/protocol'
import type { Clock } from './clock.ts'
import type { EventLog } from './log.ts'
import type { ToolAccess } from './tools/tool-access.ts'

/**
 * One run of the agent runtime. Iterated once; the last event is `completed`, `interrupted` or `failed`, soon
 * after `signal` aborts too.
 */
export interface Turn extends AsyncIterable<TurnEvent> {
  /**
   * Adds input to the running turn; 'accepted' when the turn will not end before the input has its answer, too. Called
   * after `started` was reported, one call at a time. 'too-late' when it has ended. Never throws.
   */
  steer(text: string): Promise<'accepted' | 'too-late' | 'unsupported'>
}

/**
 * An agent runtime. Turns of different sessions run at once, turns of one session never. Failures of the model or
 * the runtime are `failed` events, not exceptions; an exception is a bug and settles the turn as crashed.
 */
export interface ProviderRuntime {
  readonly name: string
  /** Its sessions stay with the model they were begun with: for another model a fresh one is begun. */
  readonly oneModel?: boolean
  startTurn(input: TurnInput, signal: AbortSignal): Turn
  /** Ends every process it started, as trees. Idempotent; no turn runs any more when it is called. */
  close(): Promise<void>
}

/** Ends this process without cleaning up. Given by the main; only a provider made for tests asks for it. */
export interface ProcessEnding {
  /** As the kernel would for lack of memory: no handler runs. */
  crash(): void
  exit(code: number): void
}

/** What a provider may be built from. */
export interface ProviderParts {
  readonly homeDir: string
  readonly workspaceDir: string
  /** Folders that the host put there, one for each skill of the agent; read-only in a sandbox. */
  readonly skillsDir: string
  /** Variables for everything that the agent starts: how it gets out of the sandbox. */
  readonly toolEnvironment: Readonly<Record<string, string>>
  readonly settings: RunnerSettings
  readonly log: EventLog
  readonly clock: Clock
  readonly ending: ProcessEnding
}

/** What the table makes a provider from. */
export interface MakeParts extends ProviderParts {
  /** Starts our tool server when it is called first; it is up when this resolves. */
  readonly startTools: () => Promise<ToolAccess>
}

/** One line of the table of providers. */
export interface ProviderEntry {
  /** Whether it calls a model: the gateway is then offered on the sandbox's loopback before `make` is called, else soon. */
  readonly needsGateway: boolean
  /**
   * Called once per start of the runner, before any turn. A large library is imported here, so that only the
   * sandboxes that use it pay for it. A throw ends the runner: only for what no retry can mend.
   */
  readonly make: (parts: MakeParts) => ProviderRuntime | Promise<ProviderRuntime>
}

/** Providers by the name that `container.json` uses. */
export type ProviderTable = Readonly<Record<string, ProviderEntry>>
