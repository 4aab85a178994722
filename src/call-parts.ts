// Composition root, the part about what tools in sandboxes ask of the host.
import { agentCalls } from './agents/agent-calls.ts'
import type { Agents } from './agents/agents.ts'
import type { CallHandlers } from './calls/call-handler.ts'
import { Calls, type CallsPorts } from './calls/calls.ts'
import type { Core } from './core.ts'
import type { GroupName } from './domain/ids.ts'
import type { PumpOptions } from './pump.ts'
import { taskHandlers } from './task-parts.ts'

/** Between a tool's call and its answer. To be started and stopped. */
export function callParts(
  core: Core,
  { agents, ...ports }: Pick<CallsPorts, 'mailbox' | 'events' | 'nudge'> & { readonly agents: Agents },
  pump: Pick<PumpOptions<GroupName>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
): Calls {
  const { hostCalls: calls, dispatches, directory } = core
  return new Calls({ ...ports, calls, dispatches, directory, handlers: callHandlers(core, agents) }, pump)
}

/** What tools may ask for, by the tool's name. A new one: its handler in `src/calls/`, a line here, its tool in the runner. */
function callHandlers(core: Core, agents: Agents): CallHandlers {
  return new Map([...agentCalls(agents), ...taskHandlers(core)])
}
