import type { McpServer, RunnerSettings } from '@creel/protocol'
import { OUR_SERVER } from '../../tools/tool-access.ts'
import { DEFAULT_MODEL, modelName } from './model-name.ts'
import type { ServerFolders } from './server-folders.ts'

/** Name of the variable that marks the server and everything that it starts. */
export const TREE_MARK = 'CREEL_OPENCODE_TREE'

/** A tool server that takes longer to answer counts as down. */
const MCP_TIMEOUT_MS = 30_000

/** Where the models are reached, with the version path that OpenCode expects. */
export interface ModelUrls {
  readonly anthropic: string
  readonly openai: string
}

/** The gateway puts the credential in its place; in the sandbox there is none. */
const PLACEHOLDER_KEY = 'placeholder'

/** The server's whole configuration, as `OPENCODE_CONFIG_CONTENT`, which comes after every file. */
export function serverConfig(
  settings: RunnerSettings,
  urls: ModelUrls,
  skillsDir: string,
): Record<string, unknown> {
  const model = modelName(settings.model ?? DEFAULT_MODEL)
  const name = `${model.providerID}/${model.modelID}`
  // Named, so that a model newer than the server's own list is one as well.
  const models = (api: string) => (api === model.providerID ? { models: { [model.modelID]: {} } } : {})
  const provider = (api: 'anthropic' | 'openai') => ({
    options: { baseURL: urls[api], apiKey: PLACEHOLDER_KEY },
    ...models(api),
  })
  return {
    autoupdate: false,
    share: 'disabled',
    snapshot: false,
    skills: { paths: [skillsDir] },
    // The sandbox is the boundary; a question would wait for a person who is not there.
    // Our own tools are asked for: the question tells whose call it is.
    permission: { '*': 'allow', question: 'deny', [`${OUR_SERVER}_*`]: 'ask' },
    enabled_providers: ['anthropic', 'openai'],
    model: name,
    small_model: name,
    provider: { anthropic: provider('anthropic'), openai: provider('openai') },
    mcp: Object.fromEntries(
      Object.entries(settings.mcpServers).map(([key, server]) => [key, mcpServer(server)]),
    ),
  }
}

function mcpServer(server: McpServer): Record<string, unknown> {
  const both = { enabled: true, timeout: MCP_TIMEOUT_MS }
  if ('url' in server) return { type: 'remote', url: server.url, oauth: false, ...both }
  return { type: 'local', command: [server.command, ...server.args], environment: server.env, ...both }
}

/** What the server is started with, besides what its tools need. Without these it asks several hosts at each start. */
export function serverEnv(options: {
  readonly tools: Readonly<Record<string, string>>
  readonly folders: ServerFolders
  readonly config: Record<string, unknown>
  readonly password: string
  readonly mark: string
}): Record<string, string> {
  const { folders } = options
  return {
    ...options.tools,
    XDG_CONFIG_HOME: folders.config,
    XDG_DATA_HOME: folders.data,
    XDG_STATE_HOME: folders.state,
    XDG_CACHE_HOME: folders.cache,
    // Where the server looks for settings and skills of the user; `HOME` stays the agent's, for its tools.
    OPENCODE_TEST_HOME: folders.home,
    BUN_TMPDIR: folders.unpacked,
    OPENCODE_SERVER_PASSWORD: options.password,
    OPENCODE_CONFIG_CONTENT: JSON.stringify(options.config),
    OPENCODE_AUTH_CONTENT: '{}',
    OPENCODE_DISABLE_PROJECT_CONFIG: '1',
    OPENCODE_PURE: '1',
    OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    OPENCODE_DISABLE_CLAUDE_CODE: '1',
    // Those in folders that the agent can write.
    OPENCODE_DISABLE_EXTERNAL_SKILLS: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    OPENCODE_DISABLE_SHARE: '1',
    OPENCODE_DISABLE_EMBEDDED_WEB_UI: '1',
    OPENCODE_EXPERIMENTAL_DISABLE_FILEWATCHER: '1',
    OPENCODE_LOG_LEVEL: 'ERROR',
    [TREE_MARK]: options.mark,
  }
}
