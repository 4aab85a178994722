import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GroupName } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { copyDraft } from './copy-draft.ts'
import { DiskSkillDrafts } from './skill-drafts.ts'

const GARDEN = 'garden' as GroupName
const HEAD = '---\nname: tides\ndescription: When is high water\n---\n'

let root: string
let paths: Paths
let drafts: DiskSkillDrafts
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-drafts-'))
  paths = new Paths(join(root, 'data'), join(root, 'groups'))
  drafts = new DiskSkillDrafts(paths, { deadlineMs: 60_000 })
  put('skills/tides/SKILL.md', `${HEAD}Look into \`t.txt\`.\n`)
  put('skills/tides/scripts/t.sh', '#!/bin/sh\necho 12:00\n')
  chmodSync(at('skills/tides/scripts/t.sh'), 0o755)
  writeFileSync(join(root, 'secret'), 'of the host')
})
afterEach(() => rmSync(root, { recursive: true }))

const at = (path: string) => join(paths.workspace(GARDEN), path)
function put(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), text)
}
const attached: string[] = []
const attach = async (text: string) => {
  attached.push(text)
  return { sha256: 'a'.repeat(64), bytes: text.length }
}
const stage = (path = 'skills/tides') => drafts.stage(GARDEN, path, new Set(), attach)
/** The same without a process, for what is refused on the way. */
const copied = (path = 'skills/tides') =>
  copyDraft({ root: paths.workspace(GARDEN), path, to: join(root, `copy-${Math.random()}`) })

describe('a skill that an agent wrote', () => {
  it('is copied as it is when it is asked for, shown whole, and placed so, whatever becomes of the folder', async () => {
    const draft = await stage()
    expect(draft).toMatchObject({ name: 'tides', description: 'When is high water' })
    expect(draft.files).toEqual([
      { path: 'SKILL.md', bytes: expect.any(Number), executable: false },
      { path: 'scripts/t.sh', bytes: 21, executable: true },
    ])
    expect(attached.at(-1)).toContain('=== scripts/t.sh (21 bytes, can be run)\n| #!/bin/sh\n| echo 12:00\n')
    put('skills/tides/scripts/t.sh', 'rm -rf /')
    put('skills/tides/SKILL.md', 'nonsense')
    expect(drafts.find(GARDEN, draft.sha256)).toEqual(draft)
    await drafts.place(GARDEN, draft)
    await drafts.place(GARDEN, draft)
    expect(readFileSync(join(paths.groupSkills(GARDEN), 'tides/scripts/t.sh'), 'utf8')).toContain('12:00')
    expect(drafts.standing(GARDEN, 'tides')).toBe(draft.sha256)
    expect(drafts.standing(GARDEN, 'moon')).toBe('none')
  })

  it('is the same draft when nothing changed, and a few old ones are kept', async () => {
    const first = await stage()
    expect(await stage()).toEqual(first)
    for (let n = 0; n < 5; n++) {
      put('skills/tides/n.txt', String(n))
      await drafts.stage(GARDEN, 'skills/tides', new Set([first.sha256]), attach)
    }
    expect(readdirSync(paths.skillDrafts(GARDEN)).length).toBeLessThanOrEqual(5)
    expect(drafts.find(GARDEN, first.sha256)).not.toBeNull()
  })

  it('is not placed when its copy was changed or is gone', async () => {
    const draft = await stage()
    const copy = join(paths.skillDrafts(GARDEN), draft.sha256)
    writeFileSync(join(copy, 'tides', 'more.txt'), 'x')
    await expect(drafts.place(GARDEN, draft)).rejects.toMatchObject({ code: 'conflict' })
    rmSync(copy, { recursive: true })
    await expect(drafts.place(GARDEN, draft)).rejects.toMatchObject({ code: 'not_found' })
    expect(drafts.standing(GARDEN, 'tides')).toBe('none')
    expect(drafts.find(GARDEN, '../../secret')).toBeNull()
  })

  it.each<[string, () => void, string]>([
    ['without a SKILL.md', () => rmSync(at('skills/tides/SKILL.md')), 'no SKILL.md'],
    ['whose SKILL.md has no head', () => put('skills/tides/SKILL.md', 'hello'), 'begin with ---'],
    [
      'with the name of another',
      () => put('skills/tides/SKILL.md', HEAD.replace('tides', 'moon')),
      'expected that of its folder, tides',
    ],
  ])('is refused %s, as creel skills lint does', async (_, spoil, why) => {
    spoil()
    const refused = stage()
    await expect(refused).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining(why) })
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(root) })
    expect(readdirSync(paths.skillDrafts(GARDEN))).toEqual([])
  })
})

describe('a hostile folder', () => {
  it.each(['..', '../../secret', '/etc', '', '.', 'a//b', 'skills/../../..', 'x\0y'])(
    '%j is none',
    (path) => {
      expect(copied(path)).toMatchObject({ kind: 'refused' })
    },
  )

  it('gives nothing of what lies outside, by whatever kind of link', () => {
    symlinkSync(join(root, 'secret'), at('skills/tides/link'))
    expect(copied()).toMatchObject({ reason: expect.stringContaining('symbolic link') })
    rmSync(at('skills/tides/link'))
    symlinkSync(root, at('skills/tides/folder'))
    expect(copied()).toMatchObject({ reason: expect.stringContaining('symbolic link') })
    rmSync(at('skills/tides/folder'))
    linkSync(join(root, 'secret'), at('skills/tides/second'))
    expect(copied()).toMatchObject({ reason: expect.stringContaining('hard link') })
    rmSync(at('skills/tides/second'))
    execFileSync('mkfifo', [at('skills/tides/pipe')])
    expect(copied()).toMatchObject({ reason: expect.stringContaining('not a file') })
    rmSync(at('skills/tides/pipe'))
    mkdirSync(join(root, 'tides'))
    symlinkSync(root, at('elsewhere'))
    expect(copied('elsewhere/tides')).toMatchObject({
      reason: expect.stringContaining('links are not followed'),
    })
    symlinkSync(join(root, 'tides'), at('moon'))
    expect(copied('moon')).toMatchObject({ kind: 'refused' })
    expect(copied()).toEqual({ kind: 'copied' })
  })

  it('is refused beyond bounds: a huge file, ten thousand files, deep folders, long or strange names', () => {
    put('skills/tides/huge', '')
    truncateSync(at('skills/tides/huge'), 100_000_000_000)
    expect(copied()).toMatchObject({ reason: expect.stringContaining('bytes in all') })
    rmSync(at('skills/tides/huge'))
    put('skills/tides/deep/a/b/c/d/e/f/g', '')
    expect(copied()).toMatchObject({ reason: expect.stringContaining('inside each other') })
    rmSync(at('skills/tides/deep'), { recursive: true })
    for (const name of ['a\nb', 'a\u202eb', 'x'.repeat(150), 'a\\b']) {
      put(`skills/tides/${name}`, '')
      expect(copied(), name).toMatchObject({ reason: expect.stringContaining('plain names') })
      rmSync(at(`skills/tides/${name}`))
    }
    for (let n = 0; n < 10_000; n++) put(`skills/tides/many/${n}`, '')
    expect(copied()).toMatchObject({ reason: expect.stringContaining('files') })
  })

  it('that hangs its reader is given up', async () => {
    const hurried = new DiskSkillDrafts(paths, { deadlineMs: 1 })
    await expect(hurried.stage(GARDEN, 'skills/tides', new Set(), attach)).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})
