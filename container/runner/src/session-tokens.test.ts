import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SessionTokens } from './session-tokens.ts'

let home: string
let events: string[]
const log = (event: string) => {
  events.push(event)
}
const tokens = () => new SessionTokens(home, log)
const claude = (token: string) => ({ token, provider: 'claude' })
const file = () => join(home, '.creel', 'sessions.json')
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'creel-home-'))
  events = []
})
afterEach(() => rmSync(home, { recursive: true }))

describe('session tokens', () => {
  it('outlive the runner, with their provider and model', () => {
    tokens().set('__proto__', { token: '1', provider: 'codex', model: 'm' })
    tokens().set('other', claude('2'))
    expect(tokens().get('__proto__')).toEqual({ token: '1', provider: 'codex', model: 'm' })
    expect(tokens().get('other')).toEqual({ token: '2', provider: 'claude' })
    expect(tokens().get('toString')).toBeUndefined()
    expect(events).toEqual([])
  })

  it('forget the session not used for longest', () => {
    const many = tokens()
    for (let n = 0; n <= 1_000; n++) many.set(`s${n}`, claude('t'))
    many.set('s1', claude('again'))
    many.set('new', claude('t'))
    const again = tokens()
    expect(['s0', 's1', 's2', 's1000'].map((session) => again.get(session)?.token)).toEqual([
      undefined,
      'again',
      undefined,
      't',
    ])
  })

  it('are read from the file of an older Creel: of a provider that is not known', () => {
    mkdirSync(join(home, '.creel'))
    writeFileSync(file(), '[["a","1"],["b","2"]]')
    expect(tokens().get('a')).toEqual({ token: '1' })
    tokens().set('b', claude('3'))
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual([
      ['a', '1'],
      ['b', '3', 'claude'],
    ])
    expect(tokens().get('a')).toEqual({ token: '1' })
  })

  it.each(['not json', '{"a":1}', '[["a"],["b",1],[],["a",1,2,3,4]]', 'null', '[null,7,["a",{}]]'])(
    'count a file that the agent has made into %s as empty',
    (text) => {
      mkdirSync(join(home, '.creel'))
      writeFileSync(file(), text)
      expect(tokens().get('a')).toBeUndefined()
      tokens().set('a', claude('2'))
      expect(tokens().get('a')).toEqual(claude('2'))
    },
  )

  it.each([
    ['a pipe', (path: string) => void execFileSync('mkfifo', [path])],
    ['a link', (path: string) => symlinkSync('/etc/hosts', path)],
    ['a folder', (path: string) => mkdirSync(path)],
  ])('wait for and follow nothing: %s in place of their files', (_, plant) => {
    mkdirSync(join(home, '.creel'))
    plant(file())
    plant(`${file()}.new`)
    const now = tokens()
    expect(now.get('a')).toBeUndefined()
    now.set('a', claude('1'))
    expect(now.get('a')).toEqual(claude('1'))
    expect(events).toContain('sessions_not_read')
  })

  it('go on in memory when the home cannot be written', () => {
    writeFileSync(join(home, '.creel'), 'a file where the folder should be')
    const now = tokens()
    now.set('a', claude('1'))
    expect(now.get('a')).toEqual(claude('1'))
    expect(events).toContain('sessions_not_saved')
  })
})
