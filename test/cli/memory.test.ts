import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
let folder: string
beforeEach(async () => {
  cli = new CliRig()
  await cli.run('group', 'add', 'home')
  folder = join(cli.groupsDir, 'home', 'memory')
})
afterEach(() => cli[Symbol.dispose]())

it('shows what an agent has noted, for people and for scripts, without a host', async () => {
  expect((await cli.run('memory', 'list', 'home')).out).toBe('nothing noted yet\n')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.md'), '# Memory\n\n- Ann likes tea \u001b[31m\u202e\n')
  writeFileSync(join(folder, 'red\u001b[31m\n2.md'), 'tea')
  expect((await cli.run('memory', 'list', 'home')).out).toMatch(
    /^file +bytes +changed\nindex\.md +\d+ +\d{4}-.*\nred/,
  )
  const shown = (await cli.run('memory', 'show', 'home')).out
  expect(shown).toContain('Ann likes tea')
  for (const char of ['\u001b', '\u202e']) expect(shown).not.toContain(char)
  expect((await cli.run('memory', 'search', 'home', 'TEA', 'ann')).out).toMatch(
    /index\.md:3 +- Ann likes tea/,
  )
  expect(await cli.json('memory', 'search', 'home', 'tea')).toMatchObject({
    found: [{ path: 'index.md', line: 3 }, { path: 'red\u001b[31m\n2.md' }],
    more: false,
  })
})

it.each([
  [['memory', 'list', 'nowhere'], 'there is no group nowhere'],
  [['memory', 'show', 'home', '../container.json'], 'inside of the memory folder'],
  [['memory', 'show', 'home', 'none.md'], 'there is no such file'],
  [['memory', 'show', 'home', 'link.md'], 'it is a link'],
  [['memory', 'forget', 'home', '01234567'], 'Creel is not running'],
  [['memory', 'edit', 'home', 'index.md', '--from', 'x'], 'Creel is not running'],
])('%j is refused in one sentence', async (args, message) => {
  mkdirSync(folder, { recursive: true })
  symlinkSync('/etc/passwd', join(folder, 'link.md'))
  const { code, err } = await cli.run(...args)
  expect(err).toContain(message)
  expect(code).toBe(1)
})

it('says so when the editor does not start or changes nothing', async () => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.md'), 'x')
  cli.env.EDITOR = 'no-such-editor --wait'
  expect((await cli.run('memory', 'edit', 'home')).err).toContain('the editor no-such-editor does not start')
  cli.env.EDITOR = 'true'
  expect((await cli.run('memory', 'edit', 'home')).err).toContain('nothing changed')
  cli.env.EDITOR = 'false'
  expect((await cli.run('memory', 'edit', 'home')).err).toContain('the editor failed')
})
