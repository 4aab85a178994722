import { describe, expect, test } from 'vitest'
import { type CreateRequest, goodCreate, policyOf } from '../../test/hostile/filter-fixture.ts'
import { judge } from './judge.ts'

const policy = policyOf()
const DATA = policy.roots.data
const GROUPS = policy.roots.groups

function judged(change: (request: CreateRequest) => void) {
  const request = goodCreate(policy)
  change(request)
  return judge(
    {
      method: 'POST',
      target: `/v1.41/containers/create?name=${encodeURIComponent(request.name)}`,
      upgrade: false,
      body: JSON.stringify(request.body),
    },
    policy,
  )
}

const host = (change: object) => (request: CreateRequest) => Object.assign(request.body.HostConfig, change)
const top = (change: object) => (request: CreateRequest) => Object.assign(request.body, change)
const mount = (change: object) => (request: CreateRequest) => {
  const mounts = request.body.HostConfig.Mounts as object[]
  Object.assign(mounts[1] as object, change)
}
const without = (key: string) => (request: CreateRequest) => {
  delete request.body[key]
  delete request.body.HostConfig[key]
}

const ATTACKS: [what: string, change: (request: CreateRequest) => unknown][] = [
  ['root', top({ User: '0:0' })],
  ['root by name', top({ User: 'root' })],
  ['another user', top({ User: '10001' })],
  ['the user of the image', without('User')],
  ['the host network', host({ NetworkMode: 'host' })],
  ['the default network', without('NetworkMode')],
  ['the network of another container', host({ NetworkMode: 'container:x' })],
  ['privileged', host({ Privileged: true })],
  ['a capability', host({ CapAdd: ['SYS_ADMIN'] })],
  ['capabilities kept', without('CapDrop')],
  ['capabilities half dropped', host({ CapDrop: ['NET_RAW'] })],
  ['capability list with more', host({ CapDrop: ['ALL', 'x'] })],
  ['seccomp off', host({ SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] })],
  ['apparmor off', host({ SecurityOpt: ['apparmor=unconfined'] })],
  ['new privileges', without('SecurityOpt')],
  ['new privileges, spelled out', host({ SecurityOpt: ['no-new-privileges:false'] })],
  ['a writable root', host({ ReadonlyRootfs: false })],
  ['a writable root by default', without('ReadonlyRootfs')],
  ['the host pid namespace', host({ PidMode: 'host' })],
  ['the pid namespace of another container', host({ PidMode: 'container:x' })],
  ['the host ipc namespace', host({ IpcMode: 'host' })],
  ['a shareable ipc namespace', host({ IpcMode: 'shareable' })],
  ['ipc by default', without('IpcMode')],
  ['the host uts namespace', host({ UTSMode: 'host' })],
  ['the host user namespace', host({ UsernsMode: 'host' })],
  ['the host cgroup namespace', host({ CgroupnsMode: 'host' })],
  ['a cgroup parent', host({ CgroupParent: '/' })],
  [
    'a device',
    host({ Devices: [{ PathOnHost: '/dev/sda', PathInContainer: '/dev/sda', CgroupPermissions: 'rwm' }] }),
  ],
  ['a device rule', host({ DeviceCgroupRules: ['a *:* rwm'] })],
  ['a GPU', host({ DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }] })],
  ['a bind', host({ Binds: ['/:/host'] })],
  ['volumes of another container', host({ VolumesFrom: ['x'] })],
  ['a volume driver', host({ VolumeDriver: 'x' })],
  ['an anonymous volume', top({ Volumes: { '/x': {} } })],
  ['a group', host({ GroupAdd: ['0'] })],
  ['a sysctl', host({ Sysctls: { 'kernel.x': '1' } })],
  ['unmasked paths', host({ MaskedPaths: [] })],
  ['writable proc paths', host({ ReadonlyPaths: [] })],
  ['a link', host({ Links: ['x:y'] })],
  ['a published port', host({ PortBindings: { '80/tcp': [{ HostPort: '80' }] } })],
  ['all ports', host({ PublishAllPorts: true })],
  ['a network endpoint', top({ NetworkingConfig: { EndpointsConfig: { host: {} } } })],
  ['a host entry', host({ ExtraHosts: ['a:1.2.3.4'] })],
  ['a storage option', host({ StorageOpt: { size: '1' } })],
  ['a file for the id', host({ ContainerIDFile: '/etc/x' })],
  ['a strange runtime', host({ Runtime: 'sysbox' })],
  ['a runtime path', host({ Runtime: '/tmp/x' })],
  ['no memory limit', without('Memory')],
  ['memory 0', host({ Memory: 0 })],
  ['more memory than allowed', host({ Memory: 2 ** 50, MemorySwap: 2 ** 50 })],
  ['endless swap', host({ MemorySwap: -1 })],
  ['no pid limit', without('PidsLimit')],
  ['endless pids', host({ PidsLimit: -1 })],
  ['no cpu limit', without('NanoCpus')],
  ['cpu 0', host({ NanoCpus: 0 })],
  ['the OOM killer off', host({ OomKillDisable: true })],
  ['a protected OOM score', host({ OomScoreAdj: -1000 })],
  ['no init', host({ Init: false })],
  ['no init by default', without('Init')],
  ['an endless ulimit', host({ Ulimits: [{ Name: 'memlock', Soft: -1, Hard: -1 }] })],
  [
    'logs to a network address',
    host({ LogConfig: { Type: 'syslog', Config: { 'syslog-address': 'tcp://x' } } }),
  ],
  ['logs with an odd option', host({ LogConfig: { Type: 'json-file', Config: { env: 'X' } } })],
  ['a restart policy', host({ RestartPolicy: { Name: 'always' } })],
  ['a tmpfs that allows setuid', host({ Tmpfs: { '/tmp': 'rw,nodev,size=1m' } })],
  ['a tmpfs without a size', host({ Tmpfs: { '/tmp': 'rw,nosuid,nodev' } })],
  ['a tmpfs elsewhere', host({ Tmpfs: { '/mail': 'rw,nosuid,nodev,size=1m' } })],
  ['a tmpfs option', host({ Tmpfs: { '/tmp': 'rw,nosuid,nodev,size=1m,x-y=z' } })],
  ['lower-case keys', host({ privileged: true })],
  ['a lower-case host config', top({ hostconfig: { Privileged: true } })],
  ['an unknown key', host({ Shiny: 1 })],
  ['another image', top({ Image: 'debian:12' })],
  ['an image by id', top({ Image: `sha256:${'a'.repeat(64)}` })],
  ['a registry', top({ Image: 'evil.example/creel-agent:abcdef012345' })],
  ['no label', top({ Labels: {} })],
  ['the label of another install', top({ Labels: { 'creel.install': 'other' } })],
  ['a foreign label', (r) => Object.assign(r.body.Labels, { 'com.docker.compose.project': 'x' })],
  ['a health check that runs on', top({ Healthcheck: { Test: ['CMD', 'x'] } })],
  ['an env as a map', top({ Env: { A: 'b' } })],
  ['another name', (r) => Object.assign(r, { name: 'postgres' })],
  ['an empty name', (r) => Object.assign(r, { name: '' })],
  ['a name with a path', (r) => Object.assign(r, { name: 'creel-../x' })],
  ['two names', top({ name: 'creel-other' })],
  ['no mounts key', without('Mounts')],
  ['a volume mount', mount({ Type: 'volume', Source: 'creel_data' })],
  ['a tmpfs mount', mount({ Type: 'tmpfs' })],
  ['an npipe mount', mount({ Type: 'npipe' })],
  ['the root', mount({ Source: '/' })],
  ['the docker socket', mount({ Source: '/var/run/docker.sock' })],
  ['the data folder', mount({ Source: DATA })],
  ['the data folder with a slash', mount({ Source: `${DATA}/` })],
  ['the host database', mount({ Source: `${DATA}/host.db` })],
  ['the vault', mount({ Source: `${DATA}/vault` })],
  ['all mail', mount({ Source: `${DATA}/mail` })],
  ['mail with its parent', mount({ Source: `${DATA}/mail/family` })],
  ['the mail of another group', mount({ Source: `${DATA}/mail/work/out` })],
  ['dots', mount({ Source: `${DATA}/mail/family/../../vault` })],
  ['dots as the group', mount({ Source: `${DATA}/mail/../out` })],
  ['double slashes', mount({ Source: `${DATA}//mail/family/out` })],
  ['a slash at the end', mount({ Source: `${DATA}/mail/family/out/` })],
  ['a sibling with the same beginning', mount({ Source: `${DATA}2/mail/family/out` })],
  ['a NUL', mount({ Source: `${DATA}/mail/family/out\0` })],
  ['a relative path', mount({ Source: 'mail/family/out' })],
  ['the group folder', mount({ Source: `${GROUPS}/family`, Target: '/workspace' })],
  ['the settings of the group', mount({ Source: `${GROUPS}/family/container.json` })],
  ['a folder at another place', mount({ Target: '/etc' })],
  [
    'the inbox writable',
    (r) => Object.assign((r.body.HostConfig.Mounts as object[])[0] as object, { ReadOnly: false }),
  ],
  [
    'the inbox writable by default',
    (r) => delete (r.body.HostConfig.Mounts as { ReadOnly?: boolean }[])[0]?.ReadOnly,
  ],
  [
    'the sockets writable',
    (r) => Object.assign((r.body.HostConfig.Mounts as object[])[2] as object, { ReadOnly: false }),
  ],
  [
    'the skills writable',
    (r) => Object.assign((r.body.HostConfig.Mounts as object[])[6] as object, { ReadOnly: false }),
  ],
  [
    'a skill folder of the group that nobody checked',
    mount({ Source: `${GROUPS}/family/skills`, Target: '/skills', ReadOnly: true }),
  ],
  ['a shared mount', mount({ BindOptions: { Propagation: 'rshared' } })],
  ['a slave mount', mount({ BindOptions: { Propagation: 'rslave' } })],
  ['a made folder', mount({ BindOptions: { CreateMountpoint: true } })],
  ['volume options', mount({ VolumeOptions: { DriverConfig: { Name: 'local', Options: { device: '/' } } } })],
  [
    'one folder twice',
    (r) => (r.body.HostConfig.Mounts as object[]).push((r.body.HostConfig.Mounts as object[])[1] as object),
  ],
]

describe('creates that are refused', () => {
  test('the body that they start from is allowed', () => {
    expect(judged(() => undefined)).toMatchObject({ allow: true })
  })

  test.each(ATTACKS)('%s', (_what, change) => {
    expect(judged((request) => void change(request))).toMatchObject({ allow: false })
  })

  test.each([['[]'], ['null'], ['""'], ['{'], [''], ['{"__proto__":{"HostConfig":{}}}']])(
    'body %s',
    (body) => {
      const request = { method: 'POST', target: '/containers/create?name=creel-a', upgrade: false, body }
      expect(judge(request, policy)).toMatchObject({ allow: false })
    },
  )

  test.each([['platform=x'], ['name=creel-b']])('query with %s', (more) => {
    const good = goodCreate(policy)
    const target = `/containers/create?name=${good.name}&${more}`
    const request = { method: 'POST', target, upgrade: false, body: JSON.stringify(good.body) }
    expect(judge(request, policy)).toMatchObject({ allow: false })
  })

  test('a planted prototype key, anywhere', () => {
    const good = goodCreate(policy)
    const body = JSON.stringify(good.body).replace('"Labels":{', '"Labels":{"__proto__":{"a":1},')
    const request = { method: 'POST', target: `/containers/create?name=${good.name}`, upgrade: false, body }
    expect(judge(request, policy)).toMatchObject({ allow: false })
  })

  test('a reason names keys, never values', () => {
    const verdict = judged(top({ Env: { TOKEN: 'hunter2' }, User: 'hunter2' }))
    expect(JSON.stringify(verdict)).not.toContain('hunter2')
  })
})

/** Values that open the sandbox wherever the engine reads them. */
const DANGEROUS: [path: 'HostConfig' | 'top', key: string, value: unknown][] = [
  ['HostConfig', 'Privileged', true],
  ['HostConfig', 'Binds', ['/:/host']],
  ['HostConfig', 'CapAdd', ['ALL']],
  ['HostConfig', 'PidMode', 'host'],
  ['HostConfig', 'NetworkMode', 'host'],
  ['HostConfig', 'UsernsMode', 'host'],
  ['HostConfig', 'IpcMode', 'host'],
  ['HostConfig', 'SecurityOpt', ['seccomp=unconfined']],
  ['HostConfig', 'Devices', [{ PathOnHost: '/dev/mem' }]],
  ['HostConfig', 'VolumesFrom', ['x']],
  ['HostConfig', 'CgroupParent', '/x'],
  ['HostConfig', 'MaskedPaths', []],
  ['HostConfig', 'Mounts', [{ Type: 'bind', Source: '/', Target: '/workspace', ReadOnly: false }]],
  ['HostConfig', 'Runtime', 'x'],
  ['HostConfig', 'Sysctls', { 'net.x': '1' }],
  ['HostConfig', 'CapDrop', []],
  ['top', 'User', '0'],
  ['top', 'Image', 'debian'],
  ['top', 'Volumes', { '/x': {} }],
  ['top', 'HostConfig', { Privileged: true }],
  ['top', 'Labels', {}],
]

/** Mulberry32: small, seeded, good enough to pick rows. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('2,000 good bodies with one to three dangerous keys, in any spelling: each is denied', () => {
  const random = seeded(20_260_101)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const spellings = [
    (k: string) => k,
    (k: string) => k.toLowerCase(),
    (k: string) => k.toUpperCase(),
    (k: string) => ` ${k}`,
  ]
  const passed: string[] = []
  for (let round = 0; round < 2000; round++) {
    const added: string[] = []
    const verdict = judged((request) => {
      for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
        const [path, key, value] = pick(DANGEROUS)
        const spelled = random() < 0.7 ? key : pick(spellings)(key)
        const into = path === 'top' ? request.body : (request.body.HostConfig ?? request.body)
        Object.assign(into, { [spelled]: value })
        added.push(`${path}.${spelled}`)
      }
    })
    if (verdict.allow) passed.push(added.join(' '))
  }
  expect(passed).toEqual([])
})
