import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GroupConfig } from '../config/schema.ts'
import type { GroupName } from '../domain/ids.ts'
import { Paths } from '../paths.ts'
import { sandboxSpec, specHash } from './sandbox-spec.ts'

const group = 'garden' as GroupName
const paths = new Paths('/srv/creel/data', '/srv/creel/groups')
const install = { image: 'creel-agent:0123456789abcdef', protocol: 1 }

/** What the fingerprint is made from grows with every setting. */
function golden(name: string): unknown {
  const spec = JSON.parse(
    readFileSync(new URL(`../../test/fixtures/spec/${name}.json`, import.meta.url), 'utf8'),
  )
  return { ...spec, settings: expect.stringMatching(/^[0-9a-f]{16}$/) }
}

test('the spec of a default group is the golden one', () => {
  expect(sandboxSpec(group, GroupConfig.parse({}), paths, install)).toEqual(golden('default-group'))
})

test('the spec of a tuned group is the golden one', () => {
  const config = GroupConfig.parse({ limits: { memory_mb: 512, cpus: 0.5, pids: 64, tmp_mb: 32 } })
  const tuned = { ...install, runtime: 'runsc', timezone: 'Europe/Berlin' }
  expect(sandboxSpec(group, config, paths, tuned)).toEqual(golden('tuned-group'))
})

test('an empty runtime means the default of the engine', () => {
  const spec = sandboxSpec(group, GroupConfig.parse({}), paths, { ...install, runtime: '' })
  expect(spec).not.toHaveProperty('runtime')
})

test('only the mail folder out and the three own folders of the agent are writable', () => {
  const { mounts } = sandboxSpec(group, GroupConfig.parse({}), paths, install)
  expect(mounts.filter((mount) => !mount.readOnly).map((mount) => mount.target)).toEqual([
    '/mail/out',
    '/home/agent',
    '/workspace',
    '/memory',
  ])
})

test('no mount of one group is a mount of another, nor holds its container.json', () => {
  const of = (name: string) => sandboxSpec(name as GroupName, GroupConfig.parse({}), paths, install).mounts
  const ours = of('a').map((mount) => mount.source)
  const theirs = of('b').map((mount) => mount.source)
  for (const source of ours) {
    expect(theirs.some((other) => `${other}/`.startsWith(`${source}/`))).toBe(false)
    expect(paths.groupConfig('a' as GroupName).startsWith(`${source}/`)).toBe(false)
  }
})

test('a setting that the runner reads at its start makes another spec; what the host alone minds does not', () => {
  const hash = (config: object) => specHash(sandboxSpec(group, GroupConfig.parse(config), paths, install))
  const same: object[] = [{}, { provider: 'demo' }, { idle: { stop_after_s: 5 } }]
  same.push({ egress: ['example.com'] }, { limits: { egress: { connections: 3 } } })
  const other = [{ provider: 'codex' }, { model: 'm' }, { effort: 'low' }, { concurrency: 1 }]
  expect(new Set(same.map(hash)).size).toBe(1)
  expect(new Set([...same, ...other].map(hash)).size).toBe(other.length + 1)
})

test('the hash follows every setting and ignores the order of keys', () => {
  const spec = sandboxSpec(group, GroupConfig.parse({}), paths, install)
  const { group: name, ...rest } = spec
  expect(specHash({ ...rest, group: name })).toBe(specHash(spec))
  expect(specHash(spec)).toMatch(/^[0-9a-f]{16}$/)
  const changed = [
    { ...spec, image: 'creel-agent:other' },
    { ...spec, limits: { ...spec.limits, pids: 33 } },
    { ...spec, env: { ...spec.env, TZ: 'Asia/Tokyo' } },
    { ...spec, runtime: 'runsc' },
    { ...spec, settings: 'others' },
    { ...spec, mounts: spec.mounts.slice(1) },
  ]
  expect(new Set([spec, ...changed].map(specHash)).size).toBe(changed.length + 1)
})
