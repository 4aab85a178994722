import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import { ENGINE_SOCKET } from '../docker/test-image.ts'
import { type CreateRequest, goodCreate, policyOf } from './filter-fixture.ts'
import { FilterHarness } from './filter-harness.ts'

const present = existsSync(ENGINE_SOCKET)
if (!present) console.log(`skipped: socket filter tests need a container engine at ${ENGINE_SOCKET}`)

describe.skipIf(!present)('the socket filter before a real engine', () => {
  const filter = new FilterHarness()
  const policy = policyOf({
    installId: filter.installId,
    roots: { data: filter.data, groups: filter.groups },
  })
  let foreign: Docker.Container

  const good = (group: string, cmd = ['/bin/sleep', '300']): CreateRequest => {
    filter.makeFolders(group)
    const request = goodCreate(policy, group as GroupName, filter.image)
    request.body.Cmd = cmd
    return request
  }
  const create = ({ name, body }: CreateRequest) =>
    filter.client.createContainer({ name, ...body } as Docker.ContainerCreateOptions)

  beforeAll(async () => {
    await filter.importImage()
    await filter.start()
    foreign = await filter.engine.createContainer({
      Image: filter.image,
      Cmd: ['/bin/sleep', '300'],
      HostConfig: { NetworkMode: 'none', Binds: [`${filter.data}:/data`] },
      Labels: { 'creel.install': 'another-install' },
    })
    await foreign.start()
  })

  afterAll(async () => {
    await foreign?.remove({ force: true })
    await filter.stop()
  })

  test('before the install has an id nothing is served, and afterwards without a restart', async () => {
    await expect(filter.client.ping()).rejects.toMatchObject({ statusCode: 503 })
    filter.writeInstallId()
    expect(String(await filter.client.ping())).toBe('OK')
    expect((await filter.client.version()).ApiVersion).toMatch(/^1\.\d\d$/)
    expect(await filter.client.info()).toHaveProperty('OSType', 'linux')
  })

  test('the whole life of a hardened sandbox', async () => {
    const made = await create(good('life', ['/bin/sh', '-c', 'echo hello; exec /bin/sleep 300']))
    await made.start()
    const listed = await filter.client.listContainers({ all: true })
    expect(listed.map((container) => container.Id)).toEqual([made.id])
    const seen = await made.inspect()
    expect(seen.HostConfig).toMatchObject({ Privileged: false, ReadonlyRootfs: true, NetworkMode: 'none' })
    expect(seen.Mounts).toHaveLength(7)

    const logs = (await made.logs({ follow: true, stdout: true })) as unknown as NodeJS.ReadableStream
    const [first] = await once(logs, 'data')
    expect(String(first)).toContain('hello')

    await made.pause()
    expect((await made.inspect()).State.Paused).toBe(true)
    await made.unpause()
    const exit = made.wait()
    await made.stop({ t: 0 })
    expect((await exit).StatusCode).toBeGreaterThan(128)
    await made.remove({ force: true })
    await expect(made.inspect()).rejects.toMatchObject({ statusCode: 404 })
  })

  test('a container of somebody else cannot be touched, and of the own one only the mounts are seen', async () => {
    const name = (await foreign.inspect()).Name.slice(1)
    for (const ref of [foreign.id, foreign.id.slice(0, 12), name]) {
      const container = filter.client.getContainer(ref)
      const calls = [
        () => container.stop(),
        () => container.kill(),
        () => container.pause(),
        () => container.unpause(),
        () => container.wait(),
        () => container.start(),
        () => container.remove({ force: true }),
        () => container.logs({ stdout: true }),
        () => container.attach({ stream: true, stdout: true }),
        () => container.exec({ Cmd: ['/bin/sh'] }),
        () => container.update({ Memory: 0 }),
        () => container.getArchive({ path: '/' }),
      ]
      for (const call of calls) await expect(call()).rejects.toMatchObject({ statusCode: 403 })
      expect(Object.keys(await container.inspect())).toEqual(['Id', 'Name', 'Mounts'])
    }
    expect((await foreign.inspect()).State.Running).toBe(true)

    const stranger = await filter.engine.createContainer({ Image: filter.image, Cmd: ['/bin/sleep', '1'] })
    await expect(filter.client.getContainer(stranger.id).inspect()).rejects.toMatchObject({ statusCode: 403 })
    await stranger.remove({ force: true })
  })

  test('each attack on create is refused, and nothing was made', async () => {
    const attacks: object[] = [
      { Privileged: true },
      { Binds: ['/:/host'] },
      { PidMode: 'host' },
      { NetworkMode: 'host' },
      { CapAdd: ['SYS_ADMIN'] },
      { privileged: true },
      { Mounts: [{ Type: 'bind', Source: '/', Target: '/workspace' }] },
      { Mounts: [{ Type: 'bind', Source: join(filter.data, 'host.db'), Target: '/workspace' }] },
    ]
    for (const attack of attacks) {
      const request = good('attack')
      Object.assign(request.body.HostConfig, attack)
      await expect(create(request)).rejects.toMatchObject({ statusCode: 403 })
    }
    expect(await filter.ownContainers()).toEqual([])
    const { name } = good('attack')
    await expect(filter.engine.getContainer(name).inspect()).rejects.toMatchObject({ statusCode: 404 })
    await filter.logged('"reason":"create: unknown key HostConfig privileged"')
  })

  test('a folder replaced by a link is refused, at create and at start', async () => {
    const request = good('linked')
    const out = join(filter.data, 'mail/linked/out')
    const made = await create(request)
    renameSync(out, `${out}.away`)
    symlinkSync('/etc', out)
    await expect(made.start()).rejects.toMatchObject({ statusCode: 403 })
    await made.remove()
    await expect(create(request)).rejects.toMatchObject({ statusCode: 403 })
    rmSync(out)
    mkdirSync(out)
    const parent = join(filter.data, 'mail/linked')
    renameSync(parent, `${parent}.away`)
    symlinkSync(`${parent}.away`, parent)
    await expect(create(request)).rejects.toMatchObject({ statusCode: 403 })
    expect(await filter.ownContainers()).toEqual([])
  })

  test('a build of an agent image passes, one that reaches out does not', async () => {
    const tag = `creel-agent:${Date.now().toString(16)}`
    const context = () => {
      const pack = tar.pack()
      pack.entry({ name: 'Dockerfile' }, 'FROM scratch\nLABEL creel.test=1\n')
      pack.finalize()
      return Readable.from(pack)
    }
    const stream = await filter.client.buildImage(context(), { t: tag, rm: true })
    await new Promise((resolve, reject) => {
      filter.client.modem.followProgress(stream, (error, all) => (error ? reject(error) : resolve(all)))
    })
    expect((await filter.client.getImage(tag).inspect()).RepoTags).toContain(tag)
    await filter.engine.getImage(tag).remove()
    for (const options of [
      { t: 'debian:12' },
      { t: tag, networkmode: 'host' },
      { t: tag, remote: 'http://x/' },
    ])
      await expect(filter.client.buildImage(context(), options)).rejects.toMatchObject({ statusCode: 403 })
    await expect(filter.engine.getImage(tag).inspect()).rejects.toMatchObject({ statusCode: 404 })
  })

  describe('bytes on the wire', () => {
    const rows: [what: string, text: string, status: RegExp][] = [
      ['an absolute target', 'GET http://x/containers/json HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 403/],
      ['CONNECT', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', /^$|^HTTP\/1\.1 4/],
      [
        'an upgrade',
        'GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
        /^HTTP\/1\.1 403/,
      ],
      ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 400|^$/],
      [
        'two framings',
        'POST /containers/create?name=creel-x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        /^HTTP\/1\.1 400/,
      ],
      [
        'a request hidden in the body of one that takes none',
        'POST /containers/creel-x/start HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nGET /images/json HTTP/1.1\r\nHost: x\r\n\r\n  ',
        /^HTTP\/1\.1 403/,
      ],
      [
        'a chunked body that is too large',
        `POST /containers/create?name=creel-x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n${'a'.repeat(0x20_0000)}\r\n0\r\n\r\n`,
        /^HTTP\/1\.1 413|^\nwrite EPIPE$|^\nread ECONNRESET$/,
      ],
    ]
    test.each(rows)('%s', async (_what, text, status) => {
      const answer = await filter.raw(text)
      expect(answer).toMatch(status)
      expect(answer).not.toContain('RepoTags')
    })

    test('a chunked create is judged like any other', async () => {
      const { name, body } = good('chunked')
      const call = request({
        socketPath: filter.socket,
        method: 'POST',
        path: `/containers/create?name=${name}`,
      })
      const text = JSON.stringify(body)
      for (let at = 0; at < text.length; at += 100) call.write(text.slice(at, at + 100))
      call.end()
      const [response] = await once(call, 'response')
      response.resume()
      expect(response.statusCode).toBe(201)
      await filter.client.getContainer(name).remove()
    })

    test('a client that goes away while it waits leaves nothing behind in the filter', async () => {
      const made = await create(good('gone'))
      await made.start()
      const calls = Array.from({ length: 20 }, () => {
        const call = request({
          socketPath: filter.socket,
          method: 'POST',
          path: `/containers/${made.id}/wait`,
        })
        call.on('error', () => undefined)
        call.end()
        return once(call, 'response')
      })
      for (const [response] of await Promise.all(calls)) response.destroy()
      expect(String(await filter.client.ping())).toBe('OK')
      await made.remove({ force: true })
    })
  })
})
