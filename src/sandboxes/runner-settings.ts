import { type McpServer, PROTOCOL_VERSION, type RunnerSettings, TurnLimits } from '@creel/protocol'
import type { Groups } from '../config/groups.ts'
import type { GroupConfig } from '../config/schema.ts'
import type { GroupName } from '../domain/ids.ts'

/** The runner's own fallback; its doorbell is what makes it quick. */
const POLL_MS = 500

/** Settings of a group with all of its tool servers. */
export type SandboxSettings = Omit<GroupConfig, 'mcpServers'> & {
  readonly mcpServers: Readonly<Record<string, McpServer>>
  /** Of its own skills that were let in. */
  readonly skillsMark?: string
}

/** What the next runner of a group is told of it. */
export function runnerSettings(
  group: GroupName,
  config: SandboxSettings,
  install: { readonly groups: Pick<Groups, 'instructions'>; readonly maxAttempts: number },
): RunnerSettings {
  const { text, ofBytes } = install.groups.instructions(group)
  return {
    protocol: PROTOCOL_VERSION,
    group,
    provider: config.provider,
    ...(config.model === undefined ? {} : { model: config.model }),
    ...(config.effort === undefined ? {} : { effort: config.effort }),
    instructions: text,
    ...(ofBytes === undefined ? {} : { instructionsBytes: ofBytes }),
    fragments: agentsFragment(config),
    mcpServers: config.mcpServers,
    concurrency: config.concurrency,
    turnTimeoutMs: config.limits.turn_timeout_s * 1000,
    limits: turnLimits(config.limits),
    maxAttempts: install.maxAttempts,
    pollMs: POLL_MS,
  }
}

/** Whom it may ask, so that it thinks of them; whether it may is decided anew with each request. */
function agentsFragment({ agents }: Pick<GroupConfig, 'agents'>): RunnerSettings['fragments'] {
  const lines = Object.entries(agents)
    .filter(([, { send }]) => send)
    .map(([name, { about }]) => `- ${name}${about === '' ? '' : `: ${about.replace(/\s+/g, ' ')}`}`)
  if (lines.length === 0) return []
  const text = `# Other agents\n\nYou may ask these agents to do what they are better at (\`send_to_agent\`):\n\n${lines.join('\n')}`
  return [{ name: 'agents', text, optional: false }]
}

function turnLimits({ retries, retry_for_s, phase_s }: GroupConfig['limits']): TurnLimits {
  return TurnLimits.parse({
    retries,
    retryForMs: retry_for_s * 1000,
    phaseMs: Object.fromEntries(Object.entries(phase_s).map(([phase, seconds]) => [phase, seconds * 1000])),
  })
}
