import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { providerContract } from '../contract/provider.ts'
import { whyNoEngine } from '../docker/test-image.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)
providerContract('opencode', {
  model: true,
  callTool: (server, tool, args) => ({ tool: { name: `${server}_${tool}`, arguments: args } }),
  container: { model: 'claude-sonnet-4-5' },
  otherModel: 'claude-haiku-4-5',
  process: 'opencode serve',
  unknownSession: 'ses_000000000000aaaaaaaaaaaaaa',
  more: (rig) => {
    it('asks for nothing but its model, and runs as one process', async () => {
      await rig().ask('ping-9001', 'heard ping-9001')
      const asked = rig().model.requests.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`)
      expect([...new Set(asked)]).toEqual(['POST /v1/messages'])
      expect((await rig().inSandbox('pgrep', '-c', '-f', 'opencode serv[e]')).trim()).toBe('1')
      const installed = await rig().inSandbox(
        'ls',
        '-A',
        '/home/agent/.creel/opencode/config/opencode/node_modules',
      )
      expect(installed.trim()).toBe('')
    })

    it('takes no settings that the agent could have left in its workspace', async () => {
      mkdirSync(join(rig().workspace, '.opencode'), { recursive: true })
      writeFileSync(join(rig().workspace, 'AGENTS.md'), 'PLANTED-71')
      writeFileSync(join(rig().workspace, '.opencode', 'opencode.json'), '{"model":"anthropic/planted"}')
      await rig().killSandbox()
      await rig().ask('ping-9002', 'heard ping-9002')
      const call = rig().model.calls('ping-9002')[0]
      expect(call?.text).not.toContain('PLANTED-71')
      expect(JSON.parse(call?.text ?? '')).toMatchObject({ model: 'claude-sonnet-4-5' })
    })
  },
})
