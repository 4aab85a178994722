import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayUrl, INSTRUCTION_BYTES, type RunnerSettings } from '@creel/protocol'
import { stringify, type TomlTable } from 'smol-toml'
import { skillNames } from '../../skill-names.ts'
import { serverLimits } from './thread-config.ts'

/** What of a former run is kept: conversations, their index, and an id. All else could have been planted (T9). */
const KEPT = /^(?:(?:archived_)?sessions|installation_id|(?:state|thread_history)_\d+\.sqlite(?:-wal|-shm)?)$/
/** The only key in a sandbox; the gateway puts the real one in its place. */
const KEY_VARIABLE = 'CREEL_MODEL_KEY'
const PLACEHOLDER_KEY = 'placeholder'
/** Marks every process of one app-server, wherever it is moved to. */
export const MARK_VARIABLE = 'CREEL_CODEX_MARK'

export interface CodexHome {
  readonly homeDir: string
  readonly workspaceDir: string
  readonly skillsDir: string
  readonly toolEnvironment: Readonly<Record<string, string>>
  readonly settings: RunnerSettings
  /** At most INSTRUCTION_BYTES. */
  readonly instructions: string
  /** Base URL of the Responses API, with its version path. */
  readonly baseUrl: string
  /** Value of the mark. */
  readonly mark: string
}

export function defaultBaseUrl(): string {
  return `${gatewayUrl('openai')}/v1`
}

/** Variables that app-server needs beside those of the runner. */
export function codexEnvironment(home: CodexHome): Readonly<Record<string, string>> {
  return {
    ...home.toolEnvironment,
    HOME: home.homeDir,
    CODEX_HOME: codexHomeDir(home.homeDir),
    [KEY_VARIABLE]: PLACEHOLDER_KEY,
    [MARK_VARIABLE]: home.mark,
  }
}

/**
 * Makes CODEX_HOME as app-server is to find it: our settings and instructions, and the conversations of before. The
 * agent can write there, and app-server itself writes into its settings, so this is done before each start.
 */
export function prepareHome(home: CodexHome): void {
  const dir = codexHomeDir(home.homeDir)
  mkdirSync(dir, { recursive: true })
  for (const name of readdirSync(dir)) {
    if (!KEPT.test(name)) rmSync(join(dir, name), { recursive: true, force: true })
  }
  // What was there is gone, so a link planted under one of these names is not followed.
  const write = (name: string, text: string) =>
    writeFileSync(join(dir, name), text, { flag: 'wx', mode: 0o600 })
  write('config.toml', stringify(codexConfig(home)))
  // Its place for instructions of the user: unlike developer instructions, changed ones reach a resumed thread too.
  if (home.instructions !== '') write('AGENTS.md', home.instructions)
  const names = skillNames(home.skillsDir)
  if (names.length > 0) mkdirSync(join(dir, 'skills'))
  for (const name of names) symlinkSync(join(home.skillsDir, name), join(dir, 'skills', name))
}

/** The settings of app-server as a table, to be written as TOML. */
export function codexConfig(home: CodexHome): TomlTable {
  return {
    model_provider: 'creel',
    approval_policy: 'never',
    // The container is the boundary; a second sandbox inside it cannot be made and would fail every tool.
    sandbox_mode: 'danger-full-access',
    check_for_update_on_startup: false,
    // Runs at the model's provider: a way out that the gateway could not see.
    web_search: 'disabled',
    project_doc_max_bytes: INSTRUCTION_BYTES.codex,
    model_providers: {
      creel: {
        name: 'creel',
        base_url: home.baseUrl,
        env_key: KEY_VARIABLE,
        wire_api: 'responses',
        supports_websockets: false,
        // Tries in all: (1 + 1) x (1 + 2). By its own defaults a dead model takes 30 tries and half a minute.
        request_max_retries: 1,
        stream_max_retries: 2,
      },
    },
    // The workspace's own .codex/ is the agent's to write: its settings, hooks and rules are not taken.
    projects: { [home.workspaceDir]: { trust_level: 'untrusted' } },
    // Its own teach the agent to fetch more from a network that it does not have.
    skills: { bundled: { enabled: false } },
    analytics: { enabled: false },
    feedback: { enabled: false },
    features: {
      // These three contact hosts of their own at start.
      plugins: false,
      apps: false,
      remote_plugin: false,
      // These begin turns or installations that nobody asked for.
      goals: false,
      tool_suggest: false,
      skill_mcp_dependency_install: false,
      unbounded_connection_retries: false,
    },
    mcp_servers: mcpServers(home),
  }
}

function mcpServers({ settings, mark }: CodexHome): TomlTable {
  const limits = serverLimits(settings)
  return Object.fromEntries(
    Object.entries(settings.mcpServers).map(([name, server]): [string, TomlTable] => [
      name,
      'url' in server
        ? { url: server.url, ...limits }
        : // A server gets few variables of app-server; the mark has to be named.
          {
            command: server.command,
            args: server.args,
            env: { ...server.env, [MARK_VARIABLE]: mark },
            ...limits,
          },
    ]),
  )
}

function codexHomeDir(homeDir: string): string {
  return join(homeDir, '.codex')
}
