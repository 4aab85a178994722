import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import { NO_PACKAGES } from '../../src/domain/packages.ts'
import { CliRig } from './cli-rig.ts'

const HOME = 'home' as GroupName
const NOW = 1 as UnixMs
const BC = { ...NO_PACKAGES, apt: ['bc'] }

let cli: CliRig
beforeEach(async () => {
  cli = new CliRig()
  await cli.run('group', 'add', 'home')
})
afterEach(() => cli[Symbol.dispose]())

function settings(): Record<string, unknown> {
  using core = cli.core()
  return JSON.parse(readFileSync(core.install.paths.groupConfig(HOME), 'utf8'))
}

it('lists, adds, removes and takes back packages while no host runs: they are built when one does', async () => {
  expect((await cli.run('packages')).out).toMatch(/home +- +- +- +-/)
  const added = await cli.run('packages', 'add', 'home', 'apt:bc', 'npm:prettier@3.6.2', 'pip:Some_Thing')
  expect(added.out).toContain('built when Creel runs')
  expect(settings().packages).toEqual({ apt: ['bc'], npm: ['prettier@3.6.2'], pip: ['some-thing'] })
  expect(await cli.json('packages', 'list', 'home')).toEqual([
    {
      ...{ group: 'home', packages: ['apt:bc', 'npm:prettier@3.6.2', 'pip:some-thing'] },
      ...{ state: 'missing', problem: null, before: [] },
    },
  ])
  await cli.run('packages', 'remove', 'home', 'npm:prettier', 'pip:some.thing')
  expect(settings().packages).toEqual({ apt: ['bc'] })
  await cli.run('packages', 'remove', 'home', 'apt:bc')
  expect(settings()).not.toHaveProperty('packages')
  expect(await cli.json('packages', 'rollback', 'home')).toMatchObject({
    ...{ packages: ['apt:bc'], state: 'later' },
  })
  expect(await cli.json('packages', 'rollback', 'home')).toMatchObject({ packages: [] })
  await cli.run('group', 'add', 'other')
  expect((await cli.run('packages', 'rollback', 'other')).err).toContain('no other packages')
})

it('goes back to what the agent had before, and forth again', async () => {
  await cli.run('packages', 'add', 'home', 'apt:bc')
  await cli.run('packages', 'add', 'home', 'npm:left-pad')
  expect(await cli.json('packages', 'rollback', 'home')).toMatchObject({ packages: ['apt:bc'] })
  expect(await cli.json('packages', 'rollback', 'home')).toMatchObject({
    packages: ['apt:bc', 'npm:left-pad'],
  })
})

it.each([
  [['add', 'home', 'bc'], 'expected apt:NAME, npm:NAME or pip:NAME'],
  [['add', 'home', 'apt:--option'], 'expected the bare name of an apt package'],
  [['add', 'home', 'apt:a;b'], 'expected the bare name of an apt package'],
  [['add', 'home', 'npm:../x'], 'expected the bare name of an npm package'],
  [['add', 'home', 'pip:https://x.example/y.whl'], 'expected the bare name of a pip package'],
  [['remove', 'home', 'apt:bc'], 'apt:bc is not installed'],
  [['add', 'nobody', 'apt:bc'], 'there is no group nobody'],
])('%j is refused: %s', async (words, problem) => {
  const { code, err } = await cli.run('packages', ...words)
  expect(code).not.toBe(0)
  expect(err).toContain(problem)
  expect(settings()).not.toHaveProperty('packages')
})

it('doctor tells of packages that an agent should have and has not', async () => {
  using core = cli.core()
  core.groups.setPackages(HOME, BC)
  core.packages.want({ tag: 'creel-packages:0', base: 'creel-agent:0', packages: BC }, NOW)
  core.packages.ended('creel-packages:0', 'they could not be installed:\nE: no \u001b[2J', NOW)
  core[Symbol.dispose]()
  const { out, code } = await cli.run('doctor')
  expect(out).toContain('✗ packages of home: they could not be installed')
  expect(out).not.toContain('\u001b')
  expect(code).toBe(1)
})

it('a list in container.json is read in any form, and refused with key, expected and got', async () => {
  using core = cli.core()
  const file = core.install.paths.groupConfig(HOME)
  writeFileSync(file, '{"packages": {"apt": ["tree", " bc", "tree"], "pip": ["Ruamel.YAML==0.18"]}}')
  expect(core.groups.load(HOME).packages).toEqual({
    apt: ['bc', 'tree'],
    npm: [],
    pip: ['ruamel-yaml==0.18'],
  })
  writeFileSync(file, '{"packages": {"apt": ["tree", "-o"]}}')
  expect(() => core.groups.load(HOME)).toThrow(/packages\.apt\.1: expected the bare name of an apt.*got "-o"/)
  writeFileSync(file, JSON.stringify({ packages: { npm: Array.from({ length: 101 }, (_, n) => `p${n}`) } }))
  expect(() => core.groups.load(HOME)).toThrow('packages.npm: expected at most 100')
})
