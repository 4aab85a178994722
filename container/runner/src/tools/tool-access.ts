import type { CallGate } from './call-gate.ts'

/** What our tool server is called in every runtime; a tool server of container.json cannot have the name. */
export const OUR_SERVER = 'creel'

/** Our tool server as a provider hands it to its runtime. */
export interface ToolAccess {
  /** Our server for the calls of one session, by its name; the same for the life of the runner. */
  serversOf(session: string): Readonly<Record<string, { readonly url: string }>>
  /** Our server for a runtime with one address for all sessions: each call has to come through the gate. */
  readonly shared: Readonly<Record<string, { readonly url: string }>>
  readonly gate: Pick<CallGate, 'pass'>
  /** A tool server of the group's own could not be started: the agent can ask for it, the log says so. */
  serverDown(name: string, why: string): void
}

/** The tool server, as the runner owns it. */
export interface ToolServer extends ToolAccess {
  /** Idempotent. Calls that are under way are cut off. */
  close(): Promise<void>
}

/** For a provider that is run without a tool server. */
export const NO_TOOLS: ToolAccess = {
  serversOf: () => ({}),
  shared: {},
  gate: { pass: (_call, letGo) => letGo() },
  serverDown: () => undefined,
}
