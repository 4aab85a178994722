import { describe, expect, it } from 'vitest'
import { fileName, newestFirst, parsedName, placeOf } from './transcript-names.ts'

const HOSTILE = [
  '',
  '..',
  '../../etc/passwd',
  '/absolute',
  'a/b',
  'a-b',
  'A/B',
  'chat:5',
  'chat:5 ',
  'chat:5\u202e',
  'chat\u200b:5',
  'ｃhat:5',
  'chat:5\n',
  'con',
  '.',
  '~2',
  '~',
  'chat:5~0',
  'chat:5~02',
  'chat:5~x',
  'x'.repeat(300),
  `${'x'.repeat(299)}y`,
  '💬'.repeat(150),
  '\ud800',
  '\0',
  '--help',
  '-rf',
]

describe('the place of a session', () => {
  it('is a plain name, and another one for each id', () => {
    const folders = HOSTILE.map((session) => placeOf(session).folder)
    for (const folder of folders) expect(folder).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,80}[a-z0-9])?$/)
    const places = HOSTILE.map((session) => JSON.stringify(placeOf(session)))
    expect(new Set(places).size).toBe(HOSTILE.length)
  })

  it('can be read: the chat, then what makes it the only one', () => {
    expect(placeOf('chat:12/thread:7')).toEqual({
      folder: expect.stringMatching(/^chat-12-thread-7-[0-9a-f]{12}$/),
      conversation: 1,
    })
  })

  it('is one folder for all conversations of a chat, with files of their own', () => {
    const [first, second, third] = ['chat:12', 'chat:12~1', 'chat:12~9'].map(placeOf)
    expect(new Set([first?.folder, second?.folder, third?.folder]).size).toBe(1)
    const day = { day: '2026-11-21', part: 1 }
    const names = [first, second, third].map((place) => (place ? fileName(place, day) : ''))
    expect(names).toEqual(['2026-11-21.md', '2026-11-21.conversation-2.md', '2026-11-21.conversation-10.md'])
    for (const place of [first, second, third]) {
      const own = names.filter((name) => place && parsedName(place, name))
      expect(own).toHaveLength(1)
    }
  })

  it('knows its own files and no others', () => {
    const place = placeOf('chat:12')
    expect(parsedName(place, '2026-11-21.part-2.md')).toEqual({ day: '2026-11-21', part: 2 })
    for (const name of [
      '2026-11-21.part-1.md',
      '2026-11-21.conversation-1.md',
      '2026-11-21',
      'notes.md',
      '2026-11-21.md.bak',
      '..',
    ])
      expect(parsedName(place, name)).toBeUndefined()
  })

  it('has its newest file first', () => {
    const names = ['2026-11-20.part-2.md', '2026-11-21.md', '2026-11-21.part-10.md', '2026-11-21.part-9.md']
    const place = placeOf('x')
    const sorted = names.flatMap((name) => parsedName(place, name) ?? []).sort(newestFirst)
    expect(sorted.map((name) => fileName(place, name))).toEqual([
      '2026-11-21.part-10.md',
      '2026-11-21.part-9.md',
      '2026-11-21.md',
      '2026-11-20.part-2.md',
    ])
  })
})
