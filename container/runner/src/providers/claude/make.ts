import { query } from '@anthropic-ai/claude-agent-sdk/core'
import type { ProviderParts, ProviderRuntime } from '../../provider.ts'
import type { ToolAccess } from '../../tools/tool-access.ts'
import { ClaudeProvider } from './provider.ts'

/** Where the image has the runtime's program. */
const EXECUTABLE = '/opt/runtimes/bin/claude'

/**
 * A plug-in of the image, which nothing in a sandbox can change: it holds a link to the skills. The runtime's own
 * folders for skills are among the agent's files, with hooks and settings beside them.
 */
const PLUGIN = '/opt/creel/claude-plugin'

/** The provider as a sandbox has it. Imported only when it is chosen: the SDK is large. */
export function makeClaude(parts: ProviderParts & { readonly tools: ToolAccess }): ProviderRuntime {
  return new ClaudeProvider({ ...parts, query, executable: EXECUTABLE, plugin: PLUGIN })
}
