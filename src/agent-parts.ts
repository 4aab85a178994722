// Composition root, the part about what agents ask of each other.
import { Agents, type AgentsPorts } from './agents/agents.ts'
import type { Core } from './core.ts'
import type { PumpOptions } from './pump.ts'

/** Everything between a request of one agent and the answer of another. To be started and stopped. */
export function agentParts(
  core: Core,
  ports: Pick<AgentsPorts, 'mailbox' | 'notices' | 'events' | 'nudge'>,
  pump: Pick<PumpOptions<number>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
): Agents {
  const { agentRequests: requests, groups, roles, people, inbound, directory } = core
  const { agent_requests, agent_hops: hops, agent_requests_per_hour: perHour } = core.install.config.limits
  const bounds = { requests: agent_requests, hops, perHour }
  return new Agents({ ...ports, requests, groups, roles, people, inbound, directory, bounds }, pump)
}
