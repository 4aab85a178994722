import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { RUNTIMES } from '../../src/config/schema.ts'
import { ENGINE_SOCKET, testAgentImage } from '../docker/test-image.ts'

const PINNED = join(import.meta.dirname, '../../container/image/runtimes/package-lock.json')
const docker = engineClient(ENGINE_SOCKET)

/** What a shell says in a sandbox of this image that may do as little as a real one. */
async function said(image: string, script: string): Promise<string> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['sh', '-c', script],
    User: '10001:10001',
    Tty: true,
    HostConfig: {
      CapDrop: ['ALL'],
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      SecurityOpt: ['no-new-privileges'],
      Tmpfs: { '/tmp': 'rw,nosuid,nodev', '/home/agent': 'rw,nosuid,nodev,uid=10001' },
    },
  })
  try {
    await container.start()
    await container.wait()
    return String(await container.logs({ stdout: true, stderr: true }))
  } finally {
    await container.remove({ force: true })
  }
}

describe('the agent image', () => {
  it('with every runtime runs each in its pinned version, without network, and has what agents reach for', async () => {
    const image = await testAgentImage(RUNTIMES)
    const lockfile = JSON.parse(readFileSync(PINNED, 'utf8')) as {
      packages: Record<string, { version: string }>
    }
    const pinned = (name: string) =>
      lockfile.packages[`node_modules/${name}-linux-${process.arch}`]?.version
        .split('-')[0]
        ?.split('.')
        .slice(-1)[0]
    const versions = await said(image, 'claude --version; codex --version; opencode --version')
    for (const name of ['@anthropic-ai/claude-agent-sdk', '@openai/codex', 'opencode'])
      expect(versions).toMatch(new RegExp(`\\.${pinned(name)}\\b`))
    expect(
      await said(image, 'rg --version && python3 --version && git --version && ps --version && echo all'),
    ).toContain('all')
    expect((await docker.getImage(image).inspect()).Config.Labels).toMatchObject({
      'creel.runtimes': [...RUNTIMES].sort().join(','),
    })
  })

  it('with one runtime has that one alone', async () => {
    const image = await testAgentImage(['codex'])
    expect(await said(image, 'ls /opt/runtimes/bin')).toBe('codex\r\n')
  })

  it('for a provider of ours has none, and is smaller by far', async () => {
    const [small, full] = [await testAgentImage(), await testAgentImage(RUNTIMES)]
    expect(await said(small, 'ls /opt/runtimes/bin | wc -l')).toBe('0\r\n')
    const size = async (image: string) => (await docker.getImage(image).inspect()).Size
    expect(await size(small)).toBeLessThan((await size(full)) / 2)
  })
})
