import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SkillFolders } from '../../src/adapters/skills/skill-folders.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import { IMAGE_PARTS } from '../../src/domain/skill.ts'
import { Paths } from '../../src/paths.ts'

const PROJECT = join(import.meta.dirname, '../..')
const SKILLS = join(PROJECT, 'skills')
const NAMES = readdirSync(SKILLS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

/** Names of our tools, as the model sees them. */
function ourTools(): Set<string> {
  const folder = join(PROJECT, 'container/runner/src/tools')
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
  return new Set(
    sources.flatMap((source) => [...source.matchAll(/name: '([a-z_]+)'/g)].map(([, name]) => name ?? '')),
  )
}

it('all of them are sound, and each is offered to an agent', async () => {
  const folders = new SkillFolders(new Paths('/nowhere/data', join(PROJECT, 'groups'), SKILLS))
  const { skills, leftOut, unfit } = await folders.find('nobody' as GroupName, undefined, IMAGE_PARTS)
  expect([...leftOut, ...unfit]).toEqual([])
  expect(skills.map(({ name }) => name)).toEqual([...NAMES].sort())
})

describe.each(NAMES)('skill %s', (name) => {
  const text = readFileSync(join(SKILLS, name, 'SKILL.md'), 'utf8')

  it('names no tool that there is not', () => {
    const tools = ourTools()
    const named = [...text.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, tool]) => tool ?? '')
    expect(named.filter((tool) => !tools.has(tool))).toEqual([])
  })

  it('names no program that there is not', () => {
    const programs = [...text.matchAll(/scripts\/([\w-]+\.ts)/g)].map(([, file]) => file)
    const there =
      name === 'welcome' ? [] : readdirSync(join(SKILLS, name)).filter((entry) => entry === 'scripts')
    const files = there.length === 0 ? [] : readdirSync(join(SKILLS, name, 'scripts'))
    expect([...new Set(programs)].sort()).toEqual(files.sort())
  })

  it('is short enough to be read whole', () => {
    expect(text.split('\n').length).toBeLessThan(90)
  })
})
