import { providerContract } from '../contract/provider.ts'
import { whyNoEngine } from '../docker/test-image.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)
providerContract('demo', { model: false })
