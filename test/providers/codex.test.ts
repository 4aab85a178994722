import { providerContract } from '../contract/provider.ts'
import { whyNoEngine } from '../docker/test-image.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)
providerContract('codex', {
  model: true,
  // Of the models that codex knows the newest are sent no list of tools, by which the mock knows a turn's call.
  container: { model: 'gpt-5.5' },
  process: 'codex app-server',
})
