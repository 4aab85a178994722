import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RUNTIMES } from '../../src/config/schema.ts'
import { testAgentImage } from '../docker/test-image.ts'
import { HostProcess } from '../rig/host-process.ts'
import { ModelServer } from './model-server.ts'

const KEY = 'sk-of-the-one-who-sets-up-0123456789'

describe('creel setup with a real runtime', () => {
  it('ends with a message through channel, sandbox, gateway and model', async () => {
    await testAgentImage(RUNTIMES)
    const model = await ModelServer.start()
    const host = await HostProcess.make()
    try {
      host.env({ CREEL_MASTER_KEY_FILE: join(host.folder, 'keys', 'master.key') })
      model.on('Reply with the one word', { text: 'ready' })
      const words = [
        '--provider',
        'codex',
        '--base-url',
        model.url,
        '--key-stdin',
        '--no-check',
        '--group',
        'home',
      ]
      const out = await host.creelWithInput(`${KEY}\n`, 'setup', '--yes', ...words, '--json')
      const { group, hops } = JSON.parse(out) as { group: string; hops: { hop: string; ms: number }[] }
      expect(group).toBe('home')
      const names = hops.map(({ hop }) => hop)
      expect(names).toContain('model answers')
      expect(names.indexOf('model answers')).toBeGreaterThan(names.indexOf('sandbox ready'))
      expect(names.at(-1)).toBe('delivered')
      expect(model.calls('Reply with the one word').length).toBeGreaterThan(0)
      expect(readFileSync(host.tomlFile, 'utf8')).toContain(`base_url = "${model.url}"`)
      expect(out).not.toContain(KEY)
      await host.creel('down')
    } finally {
      await host[Symbol.asyncDispose]()
      await model[Symbol.asyncDispose]()
    }
  })
})
