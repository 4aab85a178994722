import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

it('creel doctor names the skills that an agent has, those left out and why, and instructions that are too long', async () => {
  const folder = join(cli.groupsDir, 'one')
  mkdirSync(join(folder, 'skills', 'bad'), { recursive: true })
  mkdirSync(join(folder, 'skills', 'good'))
  writeFileSync(
    join(folder, 'container.json'),
    JSON.stringify({ provider: 'codex', skills: ['good', 'bad', 'gone'] }),
  )
  writeFileSync(join(folder, 'skills', 'good', 'SKILL.md'), '---\nname: good\ndescription: Does good.\n---\n')
  writeFileSync(join(folder, 'AGENTS.md'), 'x'.repeat(100_000))
  const { out } = await cli.run('doctor', '--json')
  const all = JSON.parse(out) as { check: string; level: string; text: string }[]
  const found = all.filter(({ check }) => / of one$/.test(check))
  expect(found.map(({ check, level, text }) => `${level} ${check}: ${text}`)).toEqual([
    'ok skills of one: good',
    'warning skills of one: gone is left out: there is no folder skills/gone',
    'warning skills of one: bad is left out: there is no SKILL.md in it',
    'warning instructions of one: AGENTS.md has 100000 bytes, and codex takes 65536 in all: its end is left out',
  ])
})
