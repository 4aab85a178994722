import { gatewayUrl, INSTRUCTION_BYTES, type TurnInput } from '@creel/protocol'
import { errorText } from '../../log.ts'
import type { ProviderParts, ProviderRuntime, Turn } from '../../provider.ts'
import { providerInstructions } from '../../provider-instructions.ts'
import { skillNames } from '../../skill-names.ts'
import { NO_TOOLS, type ToolAccess } from '../../tools/tool-access.ts'
import { ClaudeSession } from './claude-session.ts'
import { ClaudeTurn, type OpenedSession } from './claude-turn.ts'
import { removePlanted } from './planted-files.ts'
import { configDir, knownEffort, queryOptions, toolServers } from './query-options.ts'
import type { Effort, QueryFunction, QueryOptions } from './sdk.ts'

/** Processes at once, about 150 MiB each; past that, idle ones end, the one not used for longest first. */
const MAX_PROCESSES = 4

export interface ClaudeParts extends Omit<ProviderParts, 'ending'> {
  readonly tools?: ToolAccess
  /** `query` of the Agent SDK. */
  readonly query: QueryFunction
  /** Program of the runtime; the one inside the SDK's package when undefined. */
  readonly executable?: string
  readonly baseUrl?: string
  /** Folder of the plug-in through which the runtime finds the skills. */
  readonly plugin?: string
  readonly maxProcesses?: number
}

interface Entry {
  readonly session: ClaudeSession
  running: boolean
}

/**
 * Claude Code, driven by the Agent SDK: one process for each session that is in use, with its own transcript in the
 * agent's home as its memory. The resume token is the runtime's session id.
 */
export class ClaudeProvider implements ProviderRuntime {
  readonly name = 'claude'
  readonly #parts: ClaudeParts
  readonly #options: QueryOptions
  /** In the order of their last use. */
  readonly #sessions = new Map<string, Entry>()
  /** Being ended; waited for by `close`. */
  readonly #leaving = new Set<Promise<void>>()

  constructor(parts: ClaudeParts) {
    this.#parts = parts
    const { homeDir, workspaceDir, settings, toolEnvironment, executable } = parts
    const instructions = providerInstructions(parts, INSTRUCTION_BYTES.claude)
    const plugin = skillNames(parts.skillsDir).length > 0 ? parts.plugin : undefined
    const baseUrl = parts.baseUrl ?? gatewayUrl('anthropic')
    this.#options = queryOptions({
      homeDir,
      workspaceDir,
      settings,
      toolEnvironment,
      baseUrl,
      executable,
      instructions,
      plugin,
    })
    removePlanted(configDir(homeDir))
  }

  startTurn(input: TurnInput, signal: AbortSignal): Turn {
    const { clock, log } = this.#parts
    return new ClaudeTurn({
      open: () => this.#open(input),
      prompt: input.prompt,
      compact: input.kind === 'compact',
      attachments: input.attachments,
      signal,
      clock,
      log,
      onToolServerDown: (name) => this.#tools.serverDown(name, 'claude could not connect to it'),
      onEnd: () => this.#ended(input.session),
    })
  }

  async close(): Promise<void> {
    for (const name of [...this.#sessions.keys()]) this.#leave(name)
    await Promise.all(this.#leaving)
  }

  #open(input: TurnInput): OpenedSession {
    const effort = this.#effort(input.effort)
    const warm = this.#warm(input)
    const session = warm ?? this.#start(input, effort)
    this.#sessions.delete(input.session)
    this.#sessions.set(input.session, { session, running: true })
    this.#makeRoom()
    return { session, ready: session.configure(input.model, effort) }
  }

  /** The session's process when it knows what the token stands for; another one of it is ended. */
  #warm(input: TurnInput): ClaudeSession | undefined {
    const session = this.#sessions.get(input.session)?.session
    if (!session) return undefined
    if (session.alive && session.id !== undefined && session.id === input.resumeToken) return session
    this.#leave(input.session)
    return undefined
  }

  #start(input: TurnInput, effort: Effort | undefined): ClaudeSession {
    const { query, clock, log } = this.#parts
    const ours = toolServers(this.#tools.serversOf(input.session))
    const options: QueryOptions = {
      ...this.#options,
      // For the `creel` command of its shell.
      env: { ...this.#options.env, CREEL_SESSION: input.session },
      mcpServers: { ...this.#options.mcpServers, ...ours },
      ...(input.model === undefined ? {} : { model: input.model }),
      ...(effort === undefined ? {} : { effort }),
      ...(input.resumeToken === undefined ? {} : { resume: input.resumeToken }),
    }
    return new ClaudeSession({ query, options, clock, log })
  }

  get #tools(): ToolAccess {
    return this.#parts.tools ?? NO_TOOLS
  }

  #effort(wanted: string | undefined): Effort | undefined {
    const effort = knownEffort(wanted)
    if (wanted !== undefined && effort === undefined) this.#parts.log('claude_effort_unknown', { wanted })
    return effort
  }

  #ended(name: string): void {
    const entry = this.#sessions.get(name)
    if (entry) entry.running = false
    if (entry?.session.alive === false) this.#leave(name)
    this.#makeRoom()
  }

  /** Running turns stay, however many they are. */
  #makeRoom(): void {
    const idle = [...this.#sessions].filter(([, { running }]) => !running)
    const tooMany = this.#sessions.size - (this.#parts.maxProcesses ?? MAX_PROCESSES)
    for (const [name] of idle.slice(0, Math.max(0, tooMany))) this.#leave(name)
  }

  #leave(name: string): void {
    const entry = this.#sessions.get(name)
    if (!entry) return
    this.#sessions.delete(name)
    const left = entry.session
      .close()
      .catch((error: unknown) => this.#parts.log('claude_not_closed', { error: errorText(error) }))
      .finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }
}
