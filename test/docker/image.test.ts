import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AgentImageRequest, ensureAgentImage, hasImage } from '../../src/adapters/docker/agent-image.ts'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { newId } from '../../src/domain/ids.ts'
import { ENGINE_SOCKET, testAgentImage, testBaseImage, whyNoEngine } from './test-image.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

const DOCKERFILE = `ARG BASE
FROM \${BASE}
COPY build-ca.crt unique.txt /srv/
ARG NPM_CONFIG_REGISTRY
ARG CREEL_PROTOCOL
RUN echo "registry is $NPM_CONFIG_REGISTRY" && wc -c </srv/build-ca.crt
`

describe.skipIf(missing)('the agent image', () => {
  const docker = engineClient(ENGINE_SOCKET)
  const signal = AbortSignal.timeout(600_000)
  let dir: string
  let lines: string[]
  const tags = new Set<string>()

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'creel-image-'))
    await writeFile(join(dir, 'Dockerfile'), DOCKERFILE)
    await writeFile(join(dir, 'unique.txt'), newId())
    lines = []
  })
  afterEach(async () => {
    await rm(dir, { recursive: true })
    for (const tag of tags) await docker.getImage(tag).remove({ force: true })
    tags.clear()
  })
  const ensure = async (more: Partial<AgentImageRequest> = {}) => {
    const base = await testBaseImage()
    const onProgress = (line: string) => lines.push(line)
    const request = { socketPath: ENGINE_SOCKET, containerDir: dir, base, onProgress, ...more }
    const tag = await ensureAgentImage(request)
    tags.add(tag)
    return tag
  }

  test('is built once, with the registry and the CA of this machine, and labelled', async () => {
    const caFile = join(dir, '.ca.pem')
    await writeFile(caFile, 'twelve bytes')
    const npm = async () => ({ registry: 'https://registry.example/', caFile })
    const tag = await ensure({ npm })
    expect(lines).toContain('registry is https://registry.example/')
    expect(lines).toContain('12')
    expect((await docker.getImage(tag).inspect()).Config.Labels).toMatchObject({ 'creel.protocol': '1' })

    lines = []
    const fail = () => Promise.reject(new Error('asked although nothing is to be built'))
    expect(await ensure({ npm: fail, makeBase: fail })).toBe(tag)
    expect(lines).toEqual([])
  })

  test('has an empty CA where there is none, and the base is made only when it is missing', async () => {
    let made = 0
    const makeBase = async () => void made++
    await ensure({ makeBase })
    expect(lines).toContain('0')
    expect(made).toBe(0)
    await expect(ensure({ base: 'creel-base:no-such', makeBase })).rejects.toThrow()
    expect(made).toBe(1)
  })

  test('a failing build says how it ended, and leaves no tag', async () => {
    await writeFile(join(dir, 'Dockerfile'), `${DOCKERFILE}RUN echo about to fail >&2; exit 9\n`)
    await expect(ensure()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^could not build creel-agent:\w+: .*9[\s\S]*about to fail/),
      hint: expect.stringContaining('npm registry'),
    })
    await writeFile(join(dir, 'Dockerfile'), 'THIS IS NOT A DOCKERFILE\n')
    await expect(ensure()).rejects.toThrow('could not build creel-agent:')
    expect(tags.size).toBe(0)
  })

  test('a build can be given up', async () => {
    await writeFile(join(dir, 'Dockerfile'), `${DOCKERFILE}RUN sleep 60\n`)
    const stop = new AbortController()
    const onProgress = (line: string) => {
      if (line.includes('sleep')) stop.abort(new Error('enough'))
    }
    await expect(ensure({ onProgress, signal: stop.signal })).rejects.toThrow('enough')
  })

  test('of this tree can be made and runs as the sandbox user', async () => {
    const tag = await testAgentImage()
    expect(await hasImage(docker, tag, signal)).toBe(true)
    const [{ StatusCode }] = await docker.run(
      tag,
      ['-e', 'process.exit(process.version > "v22.12" ? 0 : 1)'],
      process.stderr,
      {
        Entrypoint: ['node'],
        User: '10001:10001',
        HostConfig: { AutoRemove: true, NetworkMode: 'none', ReadonlyRootfs: true },
      },
    )
    expect(StatusCode).toBe(0)
  })
})
