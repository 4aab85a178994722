import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SessionTokens } from './session-tokens.ts'

let home: string
let events: string[]
const log = (event: string) => {
  events.push(event)
}
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'creel-home-'))
  events = []
})
afterEach(() => rmSync(home, { recursive: true }))

describe('session tokens', () => {
  it('outlive the runner', () => {
    new SessionTokens(home, log).set('__proto__', '1')
    expect(new SessionTokens(home, log).get('__proto__')).toBe('1')
    expect(new SessionTokens(home, log).get('toString')).toBeUndefined()
    expect(events).toEqual([])
  })

  it('forget the session not used for longest', () => {
    const tokens = new SessionTokens(home, log)
    for (let n = 0; n <= 1_000; n++) tokens.set(`s${n}`, 't')
    tokens.set('s1', 'again')
    tokens.set('new', 't')
    const again = new SessionTokens(home, log)
    expect(['s0', 's1', 's2', 's1000'].map((session) => again.get(session))).toEqual([
      undefined,
      'again',
      undefined,
      't',
    ])
  })

  it.each(['not json', '{"a":1}', '[["a"],["b",1],[]]', 'null'])(
    'count a file that the agent has made into %s as empty',
    (text) => {
      mkdirSync(join(home, '.creel'))
      writeFileSync(join(home, '.creel', 'sessions.json'), text)
      const tokens = new SessionTokens(home, log)
      expect(tokens.get('a')).toBeUndefined()
      tokens.set('a', '2')
      expect(new SessionTokens(home, log).get('a')).toBe('2')
    },
  )

  it('go on in memory when the home cannot be written', () => {
    writeFileSync(join(home, '.creel'), 'a file where the folder should be')
    const tokens = new SessionTokens(home, log)
    tokens.set('a', '1')
    expect(tokens.get('a')).toBe('1')
    expect(events).toContain('sessions_not_saved')
  })
})
