import type { ProviderTable } from './provider.ts'
import { DemoProvider } from './providers/demo/provider.ts'

/** Every provider this runner has. A new one: its folder and a line here, see CONTRIBUTING.md. */
export const PROVIDERS: ProviderTable = {
  demo: (parts) => new DemoProvider(parts),
}
