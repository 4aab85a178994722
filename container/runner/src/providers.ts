import type { ProviderTable } from './provider.ts'
import { DemoProvider } from './providers/demo/provider.ts'
import type { ToolServer } from './tools/tool-access.ts'
import type { ToolServerParts } from './tools/tool-server.ts'

/**
 * Every provider this runner has. A new one: its folder and a line here, see CONTRIBUTING.md. One with a large
 * library is imported when it is chosen, `make: async (parts) => (await import('./providers/x/provider.ts')).makeX(parts)`:
 * the bundle then holds it in a file of its own.
 */
export const PROVIDERS: ProviderTable = {
  demo: { needsGateway: false, make: (parts) => new DemoProvider(parts) },
  claude: {
    needsGateway: true,
    make: async (parts) => {
      const tools = parts.startTools()
      const [{ makeClaude }] = await Promise.all([import('./providers/claude/make.ts'), tools])
      return makeClaude({ ...parts, tools: await tools })
    },
  },
  codex: {
    needsGateway: true,
    make: async (parts) => {
      const tools = parts.startTools()
      const [{ CodexProvider }] = await Promise.all([import('./providers/codex/provider.ts'), tools])
      return new CodexProvider(parts, { tools: await tools })
    },
  },
  opencode: {
    needsGateway: true,
    make: async (parts) => {
      const tools = parts.startTools()
      const [{ OpencodeProvider }] = await Promise.all([import('./providers/opencode/provider.ts'), tools])
      return new OpencodeProvider(parts, { tools: await tools })
    },
  },
}

/** The tool server, with its library: imported when the first provider wants it, so that the others start sooner. */
export async function startToolServer(parts: ToolServerParts): Promise<ToolServer> {
  return (await import('./tools/tool-server.ts')).startToolServer(parts)
}
