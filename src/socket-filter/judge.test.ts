import { describe, expect, test } from 'vitest'
import { goodCreate, INSTALL, policyOf } from '../../test/hostile/filter-fixture.ts'
import { judge, streamsBody } from './judge.ts'

const policy = policyOf()
const ID = 'a'.repeat(64)
const OWN = JSON.stringify({ label: [`creel.install=${INSTALL}`] })

function ask(method: string, target: string, options: { body?: string; upgrade?: boolean } = {}) {
  return judge({ method, target, upgrade: options.upgrade ?? false, body: options.body ?? '' }, policy)
}

function call(method: string, target: string, body?: string) {
  const verdict = ask(method, target, body === undefined ? {} : { body })
  if (!verdict.allow) throw new Error(`denied: ${verdict.reason}`)
  return verdict
}

describe('what a host needs is let through', () => {
  const rows: [method: string, target: string, path: string][] = [
    ['GET', '/_ping', '/_ping'],
    ['HEAD', '/_ping', '/_ping'],
    ['GET', '/v1.41/version', '/v1.41/version'],
    ['GET', '/v1.47/info', '/v1.47/info'],
    ['GET', `/containers/${ID}/json`, '/containers/{container}/json'],
    ['GET', '/v1.41/containers/containers/json?size=1', '/v1.41/containers/{container}/json?size=1'],
    ['POST', '/containers/creel-1-a/start', '/containers/{container}/start'],
    ['POST', '/containers/creel-1-a/stop?t=10', '/containers/{container}/stop?t=10'],
    ['POST', '/containers/creel-1-a/kill?signal=SIGKILL', '/containers/{container}/kill?signal=SIGKILL'],
    [
      'POST',
      `/containers/${ID}/wait?condition=not-running`,
      '/containers/{container}/wait?condition=not-running',
    ],
    ['POST', `/containers/${ID}/pause`, '/containers/{container}/pause'],
    ['POST', `/containers/${ID}/unpause`, '/containers/{container}/unpause'],
    [
      'GET',
      `/containers/${ID}/logs?stdout=1&stderr=true&tail=100`,
      '/containers/{container}/logs?stdout=1&stderr=true&tail=100',
    ],
    ['DELETE', `/containers/${ID}?force=true&v=1`, '/containers/{container}?force=true&v=1'],
    ['GET', '/images/creel-agent:abcdef012345/json', '/images/creel-agent:abcdef012345/json'],
    ['GET', '/images/creel-base:dev/json', '/images/creel-base:dev/json'],
    ['GET', '/images/creel-packages:abcdef01/json', '/images/creel-packages:abcdef01/json'],
    ['DELETE', '/images/creel-packages:abcdef01', '/images/creel-packages:abcdef01'],
  ]
  test.each(rows)('%s %s', (method, target, path) => {
    expect(call(method, target)).toMatchObject({ method, path, body: null })
  })

  test('a build of an image with packages, with bounds', () => {
    const bounds = 'memory=2147483648&memswap=2147483648&cpuperiod=100000&cpuquota=150000'
    const target = `/build?t=creel-packages%3Aabcdef01&${bounds}`
    expect(call('POST', target)).toMatchObject({ path: target, body: 'stream' })
  })

  test('a build of an agent image, its body streamed', () => {
    const args = encodeURIComponent('{"CREEL_BASE":"creel-base:dev"}')
    const target = `/build?t=creel-agent%3Aabcdef012345&rm=true&networkmode=default&buildargs=${args}`
    expect(streamsBody('POST', target)).toBe(true)
    const verdict = call('POST', target)
    expect(verdict.body).toBe('stream')
    expect(new URLSearchParams(verdict.path.split('?')[1]).get('t')).toBe('creel-agent:abcdef012345')
  })

  test('a list is always of this install, whatever filter is asked for', () => {
    const filters = (target: string) =>
      JSON.parse(new URLSearchParams(call('GET', target).path.split('?')[1]).get('filters') ?? '')
    expect(filters('/containers/json?all=1')).toEqual(JSON.parse(OWN))
    const other = encodeURIComponent('{"label":["creel.install=other","a=b"],"status":["paused"]}')
    expect(filters(`/containers/json?filters=${other}`)).toEqual({
      label: [`creel.install=${INSTALL}`, 'creel.install=other', 'a=b'],
      status: ['paused'],
    })
    const asMap = encodeURIComponent('{"label":{"a=b":true}}')
    expect(filters(`/containers/json?filters=${asMap}`).label).toEqual([`creel.install=${INSTALL}`, 'a=b'])
  })

  test('a create as the engine adapter makes it, written anew', () => {
    const good = goodCreate(policy)
    const verdict = call(
      'POST',
      `/v1.41/containers/create?name=${good.name}&Image=evil&Env=a&Env=b`,
      JSON.stringify(good.body),
    )
    expect(verdict.path).toBe(`/v1.41/containers/create?name=${good.name}`)
    const sent = JSON.parse(String(verdict.body))
    expect(sent.Image).toBe(good.body.Image)
    expect(sent.HostConfig).toMatchObject({
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      NetworkMode: 'none',
      Privileged: false,
      Init: true,
    })
    expect(sent.HostConfig.Mounts).toEqual(good.body.HostConfig.Mounts)
    expect(verdict.sources).toHaveLength(7)
  })

  test('empty defaults that clients send are dropped, not judged as attempts', () => {
    const good = goodCreate(policy)
    const body = {
      ...good.body,
      name: good.name,
      Volumes: {},
      ExposedPorts: {},
      NetworkingConfig: { EndpointsConfig: {} },
      OpenStdin: false,
    }
    Object.assign(body.HostConfig, { Binds: null, CapAdd: [], Devices: [], PidMode: '', Privileged: false })
    const sent = JSON.parse(
      String(call('POST', `/containers/create?name=${good.name}`, JSON.stringify(body)).body),
    )
    for (const key of ['name', 'Volumes', 'ExposedPorts', 'NetworkingConfig'])
      expect(sent).not.toHaveProperty(key)
    for (const key of ['Binds', 'CapAdd', 'Devices', 'PidMode'])
      expect(sent.HostConfig).not.toHaveProperty(key)
  })

  test('of a key that stands twice in the JSON only the judged one goes on', () => {
    const good = goodCreate(policy)
    const text = JSON.stringify(good.body).replace('"Init":true', '"Init":false,"Init":true')
    expect(
      String(call('POST', `/containers/create?name=${good.name}`, text).body).match(/"Init"/g),
    ).toHaveLength(1)
  })
})

describe('calls that are refused', () => {
  const rows: [method: string, target: string, body?: string][] = [
    ['GET', '/'],
    ['GET', ''],
    ['OPTIONS', '*'],
    ['GET', 'http://docker/_ping'],
    ['GET', '//_ping'],
    ['GET', '/_ping/'],
    ['GET', '/_PING'],
    ['POST', '/_ping'],
    ['GET', '/v1.41/v1.41/_ping'],
    ['GET', '/v1.12/_ping'],
    ['POST', `/v1.22/containers/${ID}/start`],
    ['GET', '/v2.00/info'],
    ['GET', '/v1.41%2F_ping'],
    ['GET', '/%5fping'],
    ['GET', '/containers/../info'],
    ['GET', '/containers/./json'],
    ['GET', '/containers/%2e%2e/info'],
    ['GET', `/Containers/${ID}/json`],
    ['GET', `/containers//${ID}/json`],
    ['GET', `/containers/${ID}/json/`],
    ['GET', `/containers/${ID};x/json`],
    ['GET', `/containers/${ID}/json?size=1&size=0`],
    ['GET', `/containers/${ID}/json#x`],
    ['GET', `/containers/-x/json`],
    ['GET', `/containers/${'a'.repeat(200)}/json`],
    ['POST', `/containers/${ID}/exec`],
    ['POST', `/exec/${ID}/start`],
    ['GET', `/exec/${ID}/json`],
    ['POST', `/containers/${ID}/update`],
    ['POST', `/containers/${ID}/rename?name=x`],
    ['POST', `/containers/${ID}/attach?stream=1`],
    ['GET', `/containers/${ID}/attach/ws`],
    ['POST', `/containers/${ID}/resize`],
    ['GET', `/containers/${ID}/archive?path=/etc`],
    ['PUT', `/containers/${ID}/archive?path=/etc`],
    ['HEAD', `/containers/${ID}/archive?path=/etc`],
    ['GET', `/containers/${ID}/export`],
    ['GET', `/containers/${ID}/top`],
    ['GET', `/containers/${ID}/changes`],
    ['POST', `/containers/${ID}/copy`],
    ['POST', '/containers/prune'],
    ['POST', `/containers/${ID}/start?checkpoint=x&checkpoint-dir=/etc`],
    ['POST', `/containers/${ID}/start`, '{"HostConfig":{"Privileged":true}}'],
    ['POST', `/containers/${ID}/start`, 'x'],
    ['POST', `/containers/${ID}/stop?t=10`, '{"t":10,"x":1}'],
    ['POST', `/containers/${ID}/kill?signal=../x`],
    ['POST', `/containers/${ID}/wait?condition=x`],
    ['DELETE', `/containers/${ID}?link=1`],
    ['GET', '/containers/json?filters=x'],
    ['GET', '/containers/json?filters=[]'],
    ['GET', '/containers/json?filters=%7B%22volume%22%3A%5B%22x%22%5D%7D'],
    ['GET', '/containers/json?filters=%7B%7D&filters=%7B%7D'],
    ['GET', '/containers/json?before=x'],
    ['GET', '/events'],
    ['POST', '/commit?container=x'],
    ['GET', '/system/df'],
    ['POST', '/auth'],
    ['POST', '/session'],
    ['POST', '/grpc'],
    ['GET', '/networks'],
    ['POST', '/networks/create'],
    ['GET', '/volumes'],
    ['POST', '/volumes/create'],
    ['POST', '/swarm/init'],
    ['GET', '/secrets'],
    ['POST', '/services/create'],
    ['GET', '/plugins'],
    ['POST', '/plugins/pull?remote=x'],
    ['GET', '/images/json'],
    ['GET', '/images/debian:12/json'],
    ['GET', '/images/creel-agent:x/get'],
    ['POST', '/images/create?fromImage=x'],
    ['POST', '/images/load'],
    ['POST', '/images/creel-agent:abc/push'],
    ['POST', '/images/creel-agent:abcdef01/tag?repo=debian'],
    ['DELETE', '/images/creel-agent:abcdef01'],
    ['DELETE', '/images/creel-packages:abcdef01?force=1'],
    ['DELETE', '/images/debian:12'],
    ['DELETE', `/images/${ID}`],
    ['POST', '/build'],
    ['POST', '/build?t=debian:12'],
    ['POST', '/build?t=creel-agent:abcdef01&t=debian:12'],
    ['POST', '/build?t=creel-agent:abcdef01&remote=http://x/'],
    ['POST', '/build?t=creel-agent:abcdef01&networkmode=host'],
    ['POST', `/build?t=creel-agent:abcdef01&networkmode=container:${ID}`],
    ['POST', '/build?t=creel-agent:abcdef01&extrahosts=a:1.2.3.4'],
    ['POST', '/build?t=creel-agent:abcdef01&outputs=x'],
    ['POST', '/build?t=creel-agent:abcdef01&version=2'],
    ['POST', '/build?t=creel-agent:abcdef01&session=x'],
    ['POST', '/build?t=creel-agent:abcdef01&cgroupparent=x'],
    ['POST', '/build?t=creel-agent:abcdef01&securityopt=x'],
    ['POST', '/build?t=creel-agent:abcdef01&dockerfile=../x'],
    ['POST', '/build?t=creel-agent:abcdef01&buildargs=[]'],
    ['POST', '/build?t=creel-agent:abcdef01&platform=x'],
    ['POST', '/build/prune'],
  ]
  test.each(rows)('%s %s %s', (method, target, body) => {
    expect(ask(method, target, body === undefined ? {} : { body }).allow).toBe(false)
  })

  test('a protocol upgrade, whatever the call', () => {
    expect(ask('GET', '/_ping', { upgrade: true }).allow).toBe(false)
  })

  test('any build where builds are switched off', () => {
    const request = { method: 'POST', target: '/build?t=creel-agent:abcdef01', upgrade: false, body: '' }
    expect(judge(request, policyOf({ allowBuild: false }))).toMatchObject({ allow: false })
    expect(judge(request, policyOf())).toMatchObject({ allow: true })
  })
})
