import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GroupName } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { SkillFolders } from './skill-folders.ts'

const GARDEN = 'garden' as GroupName
const PROJECT = join(import.meta.dirname, '../../..')

let root: string
let paths: Paths
let skills: SkillFolders

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-skills-'))
  paths = new Paths(join(root, 'data'), join(root, 'groups'))
  skills = new SkillFolders(paths)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
}

const head = (name: string, description = `Does ${name}.`) =>
  `---\nname: ${name}\ndescription: ${description}\n---\nBody of ${name}.\n`
const shared = (name: string, ...below: string[]) => join(paths.skillsDir, name, ...below)
const own = (name: string, ...below: string[]) => join(paths.groupSkills(GARDEN), name, ...below)
const placed = (...below: string[]) => join(paths.placedSkills(GARDEN), ...below)
/** A good skill, to see that it is not harmed by a bad one beside it. */
const good = () => write(shared('good', 'SKILL.md'), head('good'))

describe('the skills of a group', () => {
  test('are all shared ones and its own, of which an own one wins', async () => {
    for (const name of ['b', 'a']) write(shared(name, 'SKILL.md'), head(name))
    for (const name of ['b', 'c']) write(own(name, 'SKILL.md'), head(name, 'Mine.'))
    write(join(paths.skillsDir, 'README.md'), 'not a skill')
    mkdirSync(join(paths.skillsDir, '.git'))
    expect(await skills.find(GARDEN, undefined)).toEqual({
      skills: [
        { name: 'a', description: 'Does a.', own: false },
        { name: 'b', description: 'Mine.', own: true },
        { name: 'c', description: 'Mine.', own: true },
      ],
      leftOut: [],
      unfit: [],
    })
  })

  test('are those that it names, and the rest need not be sound', async () => {
    good()
    mkdirSync(shared('broken'))
    expect((await skills.find(GARDEN, ['good'])).skills.map(({ name }) => name)).toEqual(['good'])
    expect((await skills.find(GARDEN, ['good'])).leftOut).toEqual([])
    expect(await skills.find(GARDEN, [])).toEqual({ skills: [], leftOut: [], unfit: [] })
    expect(await skills.find(GARDEN, ['good', 'gone'])).toMatchObject({
      skills: [{ name: 'good' }],
      leftOut: [{ name: 'gone', problem: expect.stringContaining('no folder skills/gone') }],
    })
  })

  test('are only those that its image has all for; one that it names nevertheless is missed', async () => {
    good()
    write(
      shared('sees', 'SKILL.md'),
      '---\nname: sees\ndescription: x\nmetadata:\n  creel-image: browser\n---\n',
    )
    const problem = expect.stringContaining('"image": {"browser": true} in container.json')
    const names = async (...args: Parameters<SkillFolders['place']>) => {
      const set = await skills.place(...args)
      expect(readdirSync(placed())).toEqual(set.skills.map(({ name }) => name))
      return [set.skills.map(({ name }) => name), set.leftOut, set.unfit]
    }
    expect(await names(GARDEN, undefined)).toEqual([['good'], [], [{ name: 'sees', problem }]])
    expect(await names(GARDEN, ['sees'])).toEqual([[], [{ name: 'sees', problem }], []])
    expect(await names(GARDEN, undefined, ['browser'])).toEqual([['good', 'sees'], [], []])
    expect(await names(GARDEN, ['good'], ['browser'])).toEqual([['good'], [], []])
  })

  test('are none where there is no folder', async () => {
    expect(await skills.place(GARDEN, undefined)).toEqual({ skills: [], leftOut: [], unfit: [] })
    expect(readdirSync(placed())).toEqual([])
  })
})

describe('the copy that a sandbox sees', () => {
  test('has all files, open to every account, scripts executable, and nothing that begins with a dot', async () => {
    const before = process.umask(0o077)
    try {
      write(shared('good', 'SKILL.md'), head('good'))
      write(shared('good', 'scripts', 'deep', 'run.sh'), '#!/bin/sh\n', 0o700)
      write(shared('good', '.git', 'config'), 'secret')
      await skills.place(GARDEN, undefined)
    } finally {
      process.umask(before)
    }
    const mode = (...below: string[]) => (statSync(placed(...below)).mode & 0o7777).toString(8)
    expect(readFileSync(placed('good', 'SKILL.md'), 'utf8')).toBe(head('good'))
    expect([mode(), mode('good'), mode('good', 'scripts'), mode('good', 'SKILL.md')]).toEqual([
      '755',
      '755',
      '755',
      '644',
    ])
    expect(mode('good', 'scripts', 'deep', 'run.sh')).toBe('755')
    expect(readdirSync(placed('good')).sort()).toEqual(['SKILL.md', 'scripts'])
  })

  test('follows every change, and is left alone when there is none', async () => {
    good()
    await skills.place(GARDEN, undefined)
    const first = lstatSync(placed()).ino
    await skills.place(GARDEN, undefined)
    expect(lstatSync(placed()).ino).toBe(first)
    write(shared('good', 'SKILL.md'), `${head('good')}More.`)
    await skills.place(GARDEN, undefined)
    expect(readFileSync(placed('good', 'SKILL.md'), 'utf8')).toContain('More.')
    await skills.place(GARDEN, [])
    expect(readdirSync(placed())).toEqual([])
    await skills.place(GARDEN, undefined)
    rmSync(placed(), { recursive: true })
    await skills.place(GARDEN, undefined)
    expect(readdirSync(placed())).toEqual(['good'])
  })

  test('is made anew after a host that died in the middle', async () => {
    good()
    mkdirSync(join(dirname(placed()), '.garden.new', 'half'), { recursive: true })
    await skills.place(GARDEN, undefined)
    expect(readdirSync(dirname(placed()))).toEqual(['garden'])
  })

  test('that cannot be written is said so', async () => {
    good()
    write(join(root, 'data'), 'a file')
    await expect(skills.place(GARDEN, undefined)).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('a skill that is not sound is left out alone, with a reason', () => {
  const cases: readonly [string, () => void, string][] = [
    [
      'a link to a file of this machine',
      () => {
        write(shared('bad', 'SKILL.md'), head('bad'))
        symlinkSync('/etc/hostname', shared('bad', 'notes.md'))
      },
      'notes.md is a symbolic link',
    ],
    [
      'a SKILL.md that is a link',
      () => {
        write(join(root, 'elsewhere'), head('bad'))
        mkdirSync(shared('bad'), { recursive: true })
        symlinkSync(join(root, 'elsewhere'), shared('bad', 'SKILL.md'))
      },
      'SKILL.md is a symbolic link',
    ],
    [
      'a folder that is a link',
      () => {
        write(shared('bad', 'SKILL.md'), head('bad'))
        symlinkSync('/etc', shared('bad', 'assets'))
      },
      'assets is a symbolic link',
    ],
    [
      'a skill that is a link itself',
      () => {
        write(join(root, 'elsewhere', 'SKILL.md'), head('bad'))
        mkdirSync(paths.skillsDir, { recursive: true })
        symlinkSync(join(root, 'elsewhere'), shared('bad'))
      },
      'it is a symbolic link',
    ],
    [
      'a named pipe',
      () => {
        write(shared('bad', 'SKILL.md'), head('bad'))
        expect(spawnSync('mkfifo', [shared('bad', 'pipe')]).status).toBe(0)
      },
      'pipe is not a file',
    ],
    ['no SKILL.md', () => mkdirSync(shared('bad'), { recursive: true }), 'there is no SKILL.md in it'],
    [
      'a SKILL.md that is a folder',
      () => mkdirSync(shared('bad', 'SKILL.md'), { recursive: true }),
      'no SKILL.md',
    ],
    [
      'a huge SKILL.md',
      () => write(shared('bad', 'SKILL.md'), head('bad') + 'x'.repeat(200_000)),
      'expected at most 131072 bytes',
    ],
    [
      'a file of a terabyte',
      () => {
        write(shared('bad', 'SKILL.md'), head('bad'))
        write(shared('bad', 'data'), '')
        truncateSync(shared('bad', 'data'), 1024 ** 4)
      },
      'bytes in all',
    ],
    [
      'too many files',
      () => {
        write(shared('bad', 'SKILL.md'), head('bad'))
        for (let n = 0; n < 200; n++) write(shared('bad', `f${n}`), '')
      },
      'at most 200 files',
    ],
    [
      'folders without end',
      () => {
        write(shared('bad', 'SKILL.md'), head('bad'))
        write(shared('bad', ...'abcdefgh'), '')
      },
      'folders inside each other',
    ],
    ['bad YAML', () => write(shared('bad', 'SKILL.md'), '---\nname: [\n---\n'), 'not valid YAML'],
    [
      'the name of another',
      () => write(shared('bad', 'SKILL.md'), head('good')),
      'expected that of its folder',
    ],
    ['a name that leads elsewhere', () => write(shared('bad', 'SKILL.md'), head('../bad')), 'expected a-z'],
  ]

  test.each(cases)('%s', async (_what, make, problem) => {
    good()
    make()
    const { skills: chosen, leftOut } = await skills.place(GARDEN, undefined)
    expect(chosen.map(({ name }) => name)).toEqual(['good'])
    expect(leftOut).toEqual([{ name: 'bad', problem: expect.stringContaining(problem) }])
    expect(readdirSync(placed())).toEqual(['good'])
  })

  test('a folder whose name is no name', async () => {
    good()
    write(shared('Not A Name', 'SKILL.md'), head('x'))
    const { leftOut } = await skills.place(GARDEN, undefined)
    expect(leftOut).toEqual([{ name: 'Not A Name', problem: expect.stringContaining('a-z') }])
    expect(readdirSync(placed())).toEqual(['good'])
  })

  test('more of them than an agent can have', async () => {
    for (let n = 10; n < 75; n++) write(shared(`s${n}`, 'SKILL.md'), head(`s${n}`))
    const { skills: chosen, leftOut } = await skills.place(GARDEN, undefined)
    expect(chosen).toHaveLength(64)
    expect(leftOut).toEqual([{ name: 's74', problem: expect.stringContaining('container.json') }])
  })
})

test('the skills that come with Creel are sound', async () => {
  const { skills: chosen, leftOut } = await new SkillFolders(
    new Paths(join(root, 'data'), join(root, 'groups'), join(PROJECT, 'skills')),
  ).find(GARDEN, undefined)
  expect(leftOut).toEqual([])
  expect(chosen.map(({ name }) => name)).toContain('shared-lists')
})
