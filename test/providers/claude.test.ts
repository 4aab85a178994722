import { providerContract } from '../contract/provider.ts'
import { whyNoEngine } from '../docker/test-image.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)
providerContract('claude', {
  model: true,
  callTool: (server, tool, args) => ({ tool: { name: `mcp__${server}__${tool}`, arguments: args } }),
  container: { model: 'claude-opus-5-5' },
  otherModel: 'claude-sonnet-4-5',
  shell: (command) => ({ tool: { name: 'Bash', arguments: { command, description: 'a test' } } }),
  process: '/opt/runtimes/bin/claude',
})
