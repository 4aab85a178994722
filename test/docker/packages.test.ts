import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ContainerCreateOptions } from 'dockerode'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DockerPackages, type DockerPackagesOptions } from '../../src/adapters/docker/docker-packages.ts'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { readNpmConfig } from '../../src/adapters/docker/npm-config.ts'
import { newId } from '../../src/domain/ids.ts'
import { NO_PACKAGES, type PackageList } from '../../src/domain/packages.ts'
import { packageBuilderContract } from '../contract/package-builder.ts'
import { ENGINE_SOCKET, testAgentImage, testBaseImage, whyNoEngine } from './test-image.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

const SCRIPT = fileURLToPath(new URL('../../setup/install-packages.sh', import.meta.url))
const SMALL: PackageList = { ...NO_PACKAGES, npm: ['left-pad@1.3.0'] }
const docker = engineClient(ENGINE_SOCKET)
const { signal } = new AbortController()

const packagesOf = (more: Partial<DockerPackagesOptions> = {}) =>
  new DockerPackages({
    ...{ socketPath: ENGINE_SOCKET, script: SCRIPT, installId: newId() },
    npm: () => readNpmConfig(process.env.NODE_EXTRA_CA_CERTS),
    ...more,
  })

/** Containers of builds with packages. */
async function builds(): Promise<number> {
  const containers = await docker.listContainers({ all: true })
  return containers.filter(({ Command }) => Command.includes('/creel-packages/')).length
}

/** What a shell command prints in a container that is locked in as a sandbox is. */
function inSandbox(image: string, command: string): Promise<string> {
  return inContainer({
    ...{ Image: image, Entrypoint: ['/bin/sh', '-c', command] },
    HostConfig: {
      ...{ NetworkMode: 'none', ReadonlyRootfs: true, CapDrop: ['ALL'] },
      SecurityOpt: ['no-new-privileges'],
    },
  })
}

async function inContainer(options: ContainerCreateOptions): Promise<string> {
  const container = await docker.createContainer({ ...options, Tty: true })
  try {
    await container.start()
    await container.wait()
    return String(await container.logs({ stdout: true }))
      .replaceAll('\r', '')
      .trim()
  } finally {
    await container.remove({ force: true })
  }
}

/** As root, as the build of an image does: installs a package whose programs have names of others; prints what came of it. */
const HOSTILE_INSTALL = `
lists=/creel-packages
mkdir -p /node_modules $lists /tmp/made/package && cd /tmp/made/package
printf %s "$INSTALL" >$lists/install-packages.sh
echo '{"name":"made","version":"1.0.0","bin":{"getcap":"run.sh","setcap":"run.sh","df":"run.sh","made":"run.sh"}}' >package.json
printf '#!/bin/sh\necho "ran as $(id -u)" >>/ran\n' >run.sh
chmod 6755 run.sh
cd / && tar -czf /tmp/made.tgz -C /tmp/made package && rm -r /tmp/made
echo /tmp/made.tgz >$lists/npm
sh $lists/install-packages.sh >/tmp/said 2>&1 || cat /tmp/said
cat /ran 2>/dev/null
find / -xdev -type f -perm /6000
ls /usr/local/bin | grep -x -e getcap -e df -e made
made && cat /ran
`

describe.skipIf(missing)('on a real engine', () => {
  packageBuilderContract('DockerPackages', async () => ({
    builder: packagesOf(),
    base: await testAgentImage(),
    packages: SMALL,
    missing: { ...NO_PACKAGES, npm: ['@creel-no-such/no-such', 'left-pad@1.3.0'] },
    use: async (tag) => {
      const made = await docker.createContainer({ Image: tag, name: `creel-test-${newId()}` })
      return async () => void (await made.remove({ force: true }))
    },
    begun: () => vi.waitFor(async () => expect(await builds()).toBeGreaterThan(0), { timeout: 60_000 }),
    leftovers: builds,
  }))

  describe('an image with packages of all three managers', () => {
    const builder = packagesOf()
    // One of them installs a program that becomes root.
    const packages: PackageList = {
      apt: ['bc', 'iputils-ping'],
      npm: ['cowsay@1.6.0', 'left-pad@1.3.0'],
      pip: ['tabulate==0.9.0'],
    }
    let base: string
    let tag: string
    beforeAll(async () => {
      base = await testAgentImage()
      tag = builder.tagOf(base, packages)
      const onLine = (line: string) => console.error(`packages: ${line}`)
      await builder.build({ tag, base, packages, onLine }, signal)
    })
    afterAll(async () => {
      if (tag) await builder.remove(tag)
    })

    test('has them where each shell and program looks', async () => {
      expect(await inSandbox(tag, 'echo 6*7 | bc')).toBe('42')
      expect(await inSandbox(tag, 'cowsay -e oo moo')).toContain('moo')
      const script = "import pad from 'left-pad'; console.log(pad(7, 3, 0))"
      expect(await inSandbox(tag, `cd /tmp; node --input-type=module -e "${script}"`)).toBe('007')
      expect(await inSandbox(tag, 'python3 -c "import tabulate; print(tabulate.__version__)"')).toBe('0.9.0')
      expect(await inSandbox(tag, 'bash -lc "command -v cowsay tabulate"')).toContain(
        '/usr/local/bin/tabulate',
      )
    })

    test('is that of its base in all else, and nobody in it can become another user', async () => {
      const [of, from] = await Promise.all([docker.getImage(tag).inspect(), docker.getImage(base).inspect()])
      const { Image: _, Labels: labels, ...config } = of.Config as unknown as Record<string, unknown>
      const { Image: __, Labels: usual, ...expected } = from.Config as unknown as Record<string, unknown>
      expect(config).toEqual(expected)
      expect(labels).toMatchObject(usual as object)
      expect(config).toMatchObject({ User: '10001:10001' })
      expect(await inSandbox(tag, 'find / -xdev -type f -perm /6000 2>/dev/null; echo none')).toBe('none')
      expect(await inSandbox(tag, 'test -x /bin/ping && ls -d /creel-packages 2>&1')).toContain(
        'No such file',
      )
      expect(await inSandbox(tag, 'touch /opt/packages/x 2>&1')).toMatch(/Read-only|denied/)
      const changed = 'sha256sum /usr/local/bin/node /opt/creel/boot.cjs /opt/creel/runner.cjs'
      expect(await inSandbox(tag, changed)).toBe(await inSandbox(base, changed))
    })
  })

  test('a build that takes too long, or makes too much of it, is bounded and leaves nothing', async () => {
    const base = await testAgentImage()
    const request = (builder: DockerPackages) => {
      return { tag: builder.tagOf(base, SMALL), base, packages: SMALL, onLine: () => undefined }
    }
    const slow = packagesOf({ bounds: { buildMs: 300 } })
    await expect(slow.build(request(slow), signal)).rejects.toThrow(
      'longer than 1 minutes, which is the bound',
    )
    const large = packagesOf({ bounds: { maxAdded: 100 } })
    await expect(large.build(request(large), signal)).rejects.toThrow('the bound is 1 MB')
    for (const builder of [slow, large])
      expect(await builder.exists(builder.tagOf(base, SMALL), signal)).toBe(false)
    await expect.poll(builds, { timeout: 30_000 }).toBe(0)
  })

  test('a name is a name: one that would be a pattern, should it come so far, fits nothing', async () => {
    const builder = packagesOf()
    const base = await testAgentImage()
    const packages = { ...NO_PACKAGES, apt: ['lib.c-bin'] }
    const request = { tag: builder.tagOf(base, packages), base, packages, onLine: () => undefined }
    await expect(builder.build(request, signal)).rejects.toThrow('Unable to locate package')
  })

  test('no program of a package runs while it is installed, whatever its name, and none becomes root', async () => {
    const said = await inContainer({
      Image: await testBaseImage(),
      User: '0:0',
      Entrypoint: ['/bin/sh', '-c', HOSTILE_INSTALL],
      Env: [`INSTALL=${readFileSync(SCRIPT, 'utf8')}`],
      HostConfig: { NetworkMode: 'none' },
    })
    // It takes the place of no program of the image; its own are there, and ran once: when one was called.
    expect(said.split('\n')).toEqual(['getcap', 'made', 'ran as 0'])
  })

  test('no login is written into an image', async () => {
    const builder = packagesOf({ pipIndex: 'https://me:secret@pypi.example/simple' })
    const base = await testAgentImage()
    const request = { tag: builder.tagOf(base, SMALL), base, packages: SMALL, onLine: () => undefined }
    await expect(builder.build(request, signal)).rejects.toThrow(
      /^PIP_INDEX_URL: expected a URL without user/,
    )
  })
})
