import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../clock.ts'
import { forgetInIndex, type SearchQuery, searchMemory } from './memory-search.ts'

let root: string
let logged: string[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-search-'))
  for (const folder of ['memory/conversations', 'home']) mkdirSync(join(root, folder), { recursive: true })
  logged = []
})
afterEach(() => rmSync(root, { recursive: true }))

const memory = (name: string) => join(root, 'memory', name)
const database = () => join(root, 'home/.creel/search.db')
const parts = () => ({
  memoryDir: join(root, 'memory'),
  homeDir: join(root, 'home'),
  clock: { ...systemClock, now: () => Date.UTC(2026, 10, 20) },
  log: (event: string) => void logged.push(event),
})
const put = (name: string, text: string) => {
  mkdirSync(dirname(memory(name)), { recursive: true })
  writeFileSync(memory(name), text)
}
const search = (text: string, more: Partial<SearchQuery> = {}) =>
  searchMemory({ text, limit: 10, within: 'all', ...more }, parts())
const found = async (text: string, more: Partial<SearchQuery> = {}) =>
  (await search(text, more)).found.map((one) => `${one.file}:${one.line}`)
const said = (name: string, at: string, ...lines: string[]) =>
  `## ${at} UTC\n\n**${name}** (web:1), ${at} UTC:\n${lines.map((line) => `> ${line}`).join('\n')}\n\n`

describe('what is found', () => {
  it.each([
    ['Zahnarzttermin am Montag', 'TERMIN montag'],
    ['Der Zahnarzt heißt Müller', 'muller'],
    ['Straße und Fluß', 'STRASSE'],
    ['crème brûlée à la maison', 'creme brulee'],
    ['Η Οδός Αθηνών', 'οδος'],
    ['Встреча с Алёной', 'ален'],
    ['明日は東京で会議があります', '東京'],
    ['会议在北京举行', '北京'],
    ['내일 서울에서 만나요', '서울'],
    ['พรุ่งนี้ไปกรุงเทพ', 'กรุงเทพ'],
    ['פגישה בתל אביב', 'אביב'],
    ['ﬁrst ﬂoor', 'first floor'],
    ['the code is A-113/b', 'a-113/b'],
    ['fine 🎉 thing', '🎉'],
  ])('%j by %j, in any language, case and accent', async (text, query) => {
    put('notes.md', `# Notes\n\n- something else\n- ${text}\n`)
    expect(await found(query)).toEqual(['notes.md:4'])
    expect(logged).toEqual([])
  })

  it('has all the words over several lines of what somebody said, and names who and when', async () => {
    put(
      'conversations/web/2026-01-02.md',
      said('Ann', '2026-01-02 09:00:00', 'the dentist', 'is called Molar'),
    )
    expect((await search('molar dentist')).found).toEqual([
      {
        file: 'conversations/web/2026-01-02.md',
        line: 4,
        said: 'Ann (web:1), 2026-01-02 09:00:00 UTC',
        text: 'the dentist',
      },
    ])
  })

  it('is the best first: notes of the agent, then what fits better, then what is newer', async () => {
    put('garden.md', '- roses in May\n')
    put('conversations/a/2026-08-01.md', said('Ann', '2026-08-01 09:00:00', 'roses'))
    put('conversations/a/2026-11-01.md', said('Ann', '2026-11-01 09:00:00', 'roses'))
    put('conversations/a/2026-11-02.md', said('Ann', '2026-11-02 09:00:00', `${'a word '.repeat(60)} roses`))
    expect(await found('roses')).toEqual([
      'garden.md:1',
      'conversations/a/2026-11-01.md:4',
      'conversations/a/2026-08-01.md:4',
      'conversations/a/2026-11-02.md:4',
    ])
    expect(await found('roses', { within: 'notes' })).toEqual(['garden.md:1'])
    expect(await found('roses', { within: 'conversations', limit: 1 })).toEqual([
      'conversations/a/2026-11-01.md:4',
    ])
  })

  it('has some of the words when nothing has all, and it is said so', async () => {
    put('a.md', '- red roses\n')
    expect(await search('roses zeppelin')).toMatchObject({ some: true, found: [{ file: 'a.md' }] })
    expect(await search('zeppelin')).toMatchObject({ some: false, found: [] })
  })

  it.each([
    '"',
    '*',
    'a AND',
    'NEAR(',
    'words:x',
    '-rose',
    '^rose',
    '{a b}: c',
    "' OR 1=1 --",
    'NOT',
    '""',
    '\0',
    '(((',
    'a+b',
    '%',
    '\ud800',
  ])('is no error for %j', async (query) => {
    put('a.md', '- a rose\n')
    await search(query)
    await search(`rose ${query}`)
    expect(logged).toEqual([])
  })

  it('follows what was changed, added and taken away', async () => {
    put('a.md', '- tea\n')
    put('b.md', '- coffee\n')
    expect(await found('tea')).toEqual(['a.md:1'])
    appendFileSync(memory('a.md'), '- more tea\n')
    rmSync(memory('b.md'))
    put('c.md', '- green tea\n')
    expect((await found('tea')).sort()).toEqual(['a.md:1', 'a.md:2', 'c.md:1'])
    expect(await found('coffee')).toEqual([])
    // The same size and time: as long as the file system tells that something happened.
    const { atime, mtime } = statSync(memory('c.md'))
    put('c.md', '- black te\n')
    utimesSync(memory('c.md'), atime, mtime)
    expect(await found('black')).toEqual(['c.md:1'])
  })

  it('is not kept in the index when it was forgotten', async () => {
    put('a.md', '- the code is quincunx\n')
    await search('code')
    expect(readFileSync(database()).includes('quincunx')).toBe(true)
    put('a.md', '- nothing\n')
    await forgetInIndex(parts())
    expect(readFileSync(database()).includes('quincunx')).toBe(false)
    expect(await found('nothing')).toEqual(['a.md:1'])
  })

  it('is the same for searches at once', async () => {
    for (let n = 0; n < 200; n++) put(`conversations/a/n${n}.md`, `- word${n} tea ${'x '.repeat(3_000)}\n`)
    const all = await Promise.all(Array.from({ length: 5 }, (_, n) => search(`word${n * 7} tea`)))
    expect(all.map(({ found: [one] }) => one?.file)).toEqual(
      [0, 7, 14, 21, 28].map((n) => `conversations/a/n${n}.md`),
    )
    expect(logged).toEqual([])
  })
})

describe('the index', () => {
  beforeEach(() => put('a.md', '- tea\n'))

  it('is made by the first search, not before, and goes on being used', async () => {
    await forgetInIndex(parts())
    expect(existsSync(database())).toBe(false)
    await search('tea')
    const { ino, mtimeMs } = statSync(database())
    await search('tea')
    expect(statSync(database())).toMatchObject({ ino, mtimeMs })
  })

  it.each<[string, () => void]>([
    ['is missing', () => rmSync(database())],
    ['is no database', () => writeFileSync(database(), 'x'.repeat(100_000))],
    ['is empty', () => writeFileSync(database(), '')],
    ['is cut off', () => writeFileSync(database(), readFileSync(database()).subarray(0, 20_000))],
    [
      'was written over in its middle',
      () => {
        const bytes = readFileSync(database())
        writeFileSync(database(), bytes.fill(0x5a, 4_096))
      },
    ],
    [
      'is a folder',
      () => {
        rmSync(database())
        mkdirSync(join(database(), 'x'), { recursive: true })
      },
    ],
    [
      'is a pipe',
      () => {
        rmSync(database())
        execFileSync('mkfifo', [database()])
      },
    ],
    [
      'has a pipe for a journal',
      () => {
        rmSync(`${database()}-journal`, { force: true })
        execFileSync('mkfifo', [`${database()}-journal`])
      },
    ],
    [
      'is a link',
      () => {
        rmSync(database())
        writeFileSync(join(root, 'precious'), 'precious')
        symlinkSync(join(root, 'precious'), database())
      },
    ],
    [
      'has other tables',
      () => {
        rmSync(database())
        const db = new Database(database())
        db.exec('CREATE TABLE passage (x); PRAGMA user_version = 1')
        db.close()
      },
    ],
    [
      'is of another version',
      () => {
        const db = new Database(database())
        db.pragma('user_version = 7')
        db.close()
      },
    ],
  ])('that %s is made anew', async (_what, spoil) => {
    await search('tea')
    spoil()
    // Damage that shows only in use: that search reads the files, the next one has an index again.
    for (let n = 0; n < 2; n++) expect(await found('tea')).toEqual(['a.md:1'])
    logged = []
    expect(await found('tea')).toEqual(['a.md:1'])
    expect(logged).toEqual([])
    const db = new Database(database(), { readonly: true })
    expect(db.prepare('SELECT count(*) AS n FROM passage').get()).toEqual({ n: 1 })
    db.close()
    if (existsSync(join(root, 'precious')))
      expect(readFileSync(join(root, 'precious'), 'utf8')).toBe('precious')
  })

  it('that cannot be kept costs no search: files are read', async () => {
    await search('tea')
    const holder = new Database(database())
    holder.exec('BEGIN EXCLUSIVE')
    put('b.md', '- green tea\n')
    expect((await found('TEA')).sort()).toEqual(['a.md:1', 'b.md:1'])
    expect(await found('green tea', { within: 'notes' })).toEqual(['b.md:1'])
    expect(await found('tea', { within: 'conversations' })).toEqual([])
    holder.close()
    expect(logged).toContain('search_index_failed')
    logged = []
    expect((await found('tea')).sort()).toEqual(['a.md:1', 'b.md:1'])
    expect(logged).toEqual([])
  })
})
