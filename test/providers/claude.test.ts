import { providerContract } from '../contract/provider.ts'
import { whyNoEngine } from '../docker/test-image.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)
providerContract('claude', {
  model: true,
  container: { model: 'claude-opus-5-5' },
  process: '/opt/runtimes/bin/claude',
})
