import { join } from 'node:path'
import type { McpServer, RunnerSettings } from '@creel/protocol'
import type { Effort, QueryOptions, ToolServer } from './sdk.ts'

/**
 * Retries of a failed request, 0.5 s, 1 s, 2 s, … apart. The default of ten holds a turn for three minutes on a
 * gateway that is down.
 */
const MAX_RETRIES = 5

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The built-in tools an agent has. Named, so that a newer runtime brings no tool by itself; those that wake the
 * agent later, ask through a dialog or run on after the turn are left out: such things go through the host.
 */
const TOOLS = [
  'Bash',
  'Read',
  'Write',
  'Edit',
  'Glob',
  'Grep',
  'NotebookEdit',
  'Task',
  'TodoWrite',
  'Skill',
  'WebFetch',
  'WebSearch',
]

const EFFORTS: readonly Effort[] = ['low', 'medium', 'high', 'xhigh', 'max']

export interface OptionParts {
  readonly homeDir: string
  readonly workspaceDir: string
  readonly settings: RunnerSettings
  readonly toolEnvironment: Readonly<Record<string, string>>
  readonly baseUrl: string
  /** Program of the runtime; the SDK's own when undefined. */
  readonly executable: string | undefined
  /** The instructions, already of a length that may be sent. */
  readonly instructions: string
  /** Folder of a plug-in that holds the agent's skills; undefined when there are none. */
  readonly plugin: string | undefined
}

/** The folder in the agent's home that the runtime keeps its transcripts in. */
export function configDir(homeDir: string): string {
  return join(homeDir, '.claude')
}

/** Options that every query of this group has. Nothing that lies in the agent's folders is loaded by them (T9). */
export function queryOptions(parts: OptionParts): QueryOptions {
  return {
    cwd: parts.workspaceDir,
    env: environment(parts),
    ...(parts.executable === undefined ? {} : { pathToClaudeCodeExecutable: parts.executable }),
    settingSources: [],
    includePartialMessages: true,
    // The sandbox is the boundary; nobody is there to be asked.
    permissionMode: 'bypassPermissions',
    allowDangerouslySkipPermissions: true,
    permissionPrompts: 'none',
    strictMcpConfig: true,
    mcpServersDelivery: 'initialize',
    mcpServers: toolServers(parts.settings.mcpServers),
    tools: TOOLS,
    plugins: parts.plugin === undefined ? [] : [{ type: 'local', path: parts.plugin }],
    // Rendered anew for each process: a changed persona counts for old sessions too.
    systemPrompt: {
      type: 'preset',
      preset: 'claude_code',
      append: parts.instructions,
      snapshot: false,
    },
  }
}

/** An effort that the runtime knows, else undefined. */
export function knownEffort(effort: string | undefined): Effort | undefined {
  return EFFORTS.find((known) => known === effort)
}

export function toolServers(servers: Readonly<Record<string, McpServer>>): Record<string, ToolServer> {
  return Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, toolServer(server)]))
}

/** Connected before the first request, with its tools in that request and not behind a search. */
function toolServer(server: McpServer): ToolServer {
  return 'url' in server
    ? { type: 'http', url: server.url, alwaysLoad: true }
    : { type: 'stdio', command: server.command, args: server.args, env: server.env, alwaysLoad: true }
}

/** The whole environment of the process: it inherits nothing. */
function environment({ homeDir, baseUrl, toolEnvironment }: OptionParts): Record<string, string> {
  return {
    ...toolEnvironment,
    PATH,
    HOME: homeDir,
    LANG: 'C.UTF-8',
    SHELL: '/bin/bash',
    // Lets it run without asking for permissions as any user; true in every sense here.
    IS_SANDBOX: '1',
    CLAUDE_CONFIG_DIR: configDir(homeDir),
    ANTHROPIC_BASE_URL: baseUrl,
    // The gateway puts the real one in its place.
    ANTHROPIC_API_KEY: 'placeholder',
    CLAUDE_CODE_MAX_RETRIES: String(MAX_RETRIES),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    // Nothing of a turn runs on when its answer is out.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    CLAUDE_CODE_DISABLE_CRON: '1',
    // The group's memory and skills are ours, the same for every provider.
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
    CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: '1',
  }
}
