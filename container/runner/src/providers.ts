import type { ProviderTable } from './provider.ts'
import { DemoProvider } from './providers/demo/provider.ts'

/**
 * Every provider this runner has. A new one: its folder and a line here, see CONTRIBUTING.md. One with a large
 * library is imported when it is chosen, `make: async (parts) => (await import('./providers/x/provider.ts')).makeX(parts)`:
 * the bundle then holds it in a file of its own.
 */
export const PROVIDERS: ProviderTable = {
  demo: { needsGateway: false, make: (parts) => new DemoProvider(parts) },
  claude: {
    needsGateway: true,
    make: async (parts) => (await import('./providers/claude/make.ts')).makeClaude(parts),
  },
  codex: {
    needsGateway: true,
    make: async (parts) => new (await import('./providers/codex/provider.ts')).CodexProvider(parts),
  },
  opencode: {
    needsGateway: true,
    make: async (parts) => new (await import('./providers/opencode/provider.ts')).OpencodeProvider(parts),
  },
}
