import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { explain, table } from '../../src/cli/output.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { CliRig } from './cli-rig.ts'

const ATTACK = '\u001b]0;owned\u0007\u001b[2J\u009b31mGar\u202edeners\r\n99  fake:1  group'
/** What a terminal obeys: all controls but the line feed, and changes of direction. */
const OBEYED = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

let cli: CliRig
beforeEach(async () => {
  cli = new CliRig()
  await cli.run('group', 'add', 'home')
})
afterEach(() => cli[Symbol.dispose]())

describe('names that others chose', () => {
  it('reach the terminal as plain text on their own row', async () => {
    cli.holdMessage({ title: ATTACK, name: ATTACK })
    for (const args of [['chats'], ['waiting'], ['status'], ['group', 'show', 'home']]) {
      const { out } = await cli.run(...args)
      expect(out, args.join(' ')).not.toMatch(OBEYED)
      expect(out.split('\n').filter((line) => line.startsWith('99'))).toEqual([])
    }
    expect((await cli.run('waiting')).out).toContain('Gardeners 99 fake:1 group')
  })

  it('come out of --json as they are, yet do nothing to a terminal', async () => {
    cli.holdMessage({ title: ATTACK })
    const { out } = await cli.run('chats', '--json')
    expect(out).not.toMatch(OBEYED)
    const titles = (JSON.parse(out) as { title: string }[]).map(({ title }) => title)
    expect(titles).toContain(ATTACK)
  })

  it('in a settings file stay text in the problem', async () => {
    writeFileSync(join(cli.groupsDir, 'home', 'container.json'), `{"provider": ${JSON.stringify(ATTACK)}}`)
    const { out } = await cli.run('group', 'list')
    expect(out).not.toMatch(OBEYED)
    expect(out.trimEnd().split('\n')).toHaveLength(2)
  })

  it('in an error stay text', () => {
    const text = explain(new CreelError('invalid', `no ${ATTACK}`, { hint: ATTACK }))
    expect(text).not.toMatch(OBEYED)
    expect(text).toMatch(/^creel: no Gardeners/)
  })
})

describe('a table', () => {
  it('has columns as wide as their widest cell, - for nothing, and no spaces at the end', () => {
    const rows = [
      ['a', 12, null],
      ['long name', 3, 'x'],
      ['', 0, ' '],
    ]
    expect(table(['who', 'n', 'what'], rows)).toBe(
      ['who        n   what', 'a          12  -', 'long name  3   x', '-          0   -'].join('\n'),
    )
  })

  it('keeps one line per row and aligns by what is shown', () => {
    const lines = table(
      ['name', 'n'],
      [
        ['\u001b[31mred\u001b[0m', 1],
        ['two\nlines', 2],
      ],
    ).split('\n')
    expect(lines).toEqual(['name       n', 'red        1', 'two lines  2'])
  })
})
