import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exchange, message } from '../../../test/runner/exchanges.ts'
import { Transcript } from './transcript.ts'

let memory: string
let events: [string, unknown][]
beforeEach(() => {
  memory = mkdtempSync(join(tmpdir(), 'creel-memory-'))
  events = []
})
afterEach(() => rmSync(memory, { recursive: true }))

const transcript = () => new Transcript(memory, (event, fields) => void events.push([event, fields]))
const names = () => events.map(([name]) => name)
const folder = (session = 'one') => join(memory, transcript().folderOf(session))
const file = (name: string) => join(folder(), name)
const DAY = '1970-01-01.md'

/** The answers of a session, oldest first. */
function answers(session = 'one'): (string | undefined)[] {
  const { entries } = transcript().newest(session, () => false)
  return entries.map(({ text }) => />\s(answer .*)$/.exec(text)?.[1]).reverse()
}

describe('a transcript', () => {
  it('is a file for each day that can be searched, and comes back newest first', () => {
    transcript().append(exchange(1))
    transcript().append(exchange(2))
    transcript().append(exchange(3, { at: 86_400_000 }))
    expect(readdirSync(folder()).sort()).toEqual([DAY, '1970-01-02.md'])
    const found = execFileSync('grep', ['-rn', 'answer 2', memory]).toString()
    expect(found).toContain(`${file(DAY)}:`)
    expect(readFileSync(file(DAY), 'utf8')).toMatch(/^# web private chat\n\n<!-- creel:begin 1-/)
    const { entries, more } = transcript().newest('one', () => false)
    expect(entries.map(({ key }) => key.split('-')[0])).toEqual(['3', '2', '1'])
    expect(more).toBe(false)
    expect(events).toEqual([])
  })

  it('names the chat at the head of a file, in one line', () => {
    const chat = { channel: 'telegram', kind: 'group', title: 'Fam"ily\n\u202e<!--' } as const
    transcript().append(exchange(1, { message: message('x', { chat }) }))
    expect(readFileSync(file(DAY), 'utf8').split('\n')[0]).toBe('# telegram group chat "Fam\\"ily <!--"')
  })

  it('keeps sessions apart, those of one chat in one folder', () => {
    for (const session of ['one', 'one~1', 'two'])
      transcript().append(exchange(1, { message: message('x', { session }), replies: [`answer ${session}`] }))
    expect(answers('one')).toEqual(['answer one'])
    expect(answers('one~1')).toEqual(['answer one~1'])
    expect(readdirSync(folder()).sort()).toEqual(['1970-01-01.conversation-2.md', DAY])
    expect(answers('never heard of')).toEqual([])
    expect(events).toEqual([])
  })

  it('stops reading when it is enough, and says that there is more', () => {
    for (let n = 1; n <= 5; n++) transcript().append(exchange(n))
    const { entries, more } = transcript().newest('one', ({ key }) => key.startsWith('3-'))
    expect(entries.map(({ key }) => key.split('-')[0])).toEqual(['5', '4'])
    expect(more).toBe(true)
  })

  it('begins another part when a day is full, and another still', () => {
    const long = 'ü'.repeat(60_000)
    for (let n = 1; n <= 80; n++)
      transcript().append(exchange(n, { replies: [`${long} ${n}`, `answer ${n}`] }))
    const parts = readdirSync(folder())
    expect(parts.sort()).toEqual(
      ['1970-01-01.md', '1970-01-01.part-2.md', '1970-01-01.part-3.md'].slice(0, parts.length),
    )
    expect(parts.length).toBeGreaterThan(1)
    expect(answers()).toEqual(Array.from({ length: 80 }, (_, n) => `answer ${n + 1}`))
  })
})

describe('a message that is answered again', () => {
  it('replaces the first try, whole or torn at any byte', () => {
    transcript().append(exchange(1))
    const before = readFileSync(file(DAY))
    transcript().append(exchange(2, { replies: ['answer lost ü'] }))
    const whole = readFileSync(file(DAY))
    for (let size = before.length; size <= whole.length; size++) {
      writeFileSync(file(DAY), whole.subarray(0, size))
      expect(answers().slice(0, 1)).toEqual(['answer 1'])
      transcript().append(exchange(2))
      expect(answers()).toEqual(['answer 1', 'answer 2'])
      // Torn inside the first mark nothing tells whose it was; it stays as a line without meaning.
      if (size > before.length + 60) expect(readFileSync(file(DAY), 'utf8')).not.toContain('answer l')
    }
    expect(events).toEqual([])
  })

  it('counts once, also over midnight and when the first try could not be taken away', () => {
    transcript().append(exchange(1, { replies: ['answer early'] }))
    transcript().append(exchange(1, { replies: ['answer late'], at: 86_400_000 }))
    expect(answers()).toEqual(['answer late'])
    transcript().append(exchange(2, { at: 86_400_000 }))
    transcript().append(exchange(1, { replies: ['answer again'], at: 86_400_000 }))
    expect(answers()).toEqual(['answer 2', 'answer again'])
  })

  it('does not touch what the agent wrote at the end', () => {
    transcript().append(exchange(1))
    appendFileSync(file(DAY), 'a note without a newline')
    transcript().append(exchange(2))
    expect(answers()).toEqual(['answer 1', 'answer 2'])
    expect(readFileSync(file(DAY), 'utf8')).toContain('a note without a newline\n\n<!-- creel:begin 2-')
  })
})

describe('what the agent made of its folder', () => {
  const outside = () => join(memory, 'outside')

  it.each<[string, () => void]>([
    ['a link in place of the file', () => symlinkSync('/etc/hosts', file(DAY))],
    ['a pipe in place of the file', () => void execFileSync('mkfifo', [file(DAY)])],
    ['a folder in place of the file', () => mkdirSync(file(DAY))],
    [
      'a link in place of the folder of the chat',
      () => {
        rmSync(folder(), { recursive: true })
        mkdirSync(outside())
        writeFileSync(join(outside(), DAY), '')
        symlinkSync(outside(), folder())
      },
    ],
    [
      'a link in place of all conversations',
      () => {
        renameSync(join(memory, 'conversations'), outside())
        symlinkSync(outside(), join(memory, 'conversations'))
      },
    ],
    [
      'a link to nothing in place of all conversations',
      () => {
        rmSync(join(memory, 'conversations'), { recursive: true })
        symlinkSync('/nowhere/at/all', join(memory, 'conversations'))
      },
    ],
    ['a file in place of all conversations', () => writeFileSync(join(memory, 'conversations'), 'x')],
  ])('%s: nothing is read or written there, and it is told once', (_, plant) => {
    mkdirSync(folder(), { recursive: true })
    if (_.startsWith('a file')) rmSync(join(memory, 'conversations'), { recursive: true })
    plant()
    const one = transcript()
    one.append(exchange(1))
    one.append(exchange(2))
    expect(one.newest('one', () => false)).toEqual({ entries: [], more: false })
    expect(names().filter((name) => name === 'transcript_not_written')).toHaveLength(1)
    rmSync(join(memory, 'conversations'), { recursive: true, force: true })
    one.append(exchange(3))
    expect(answers()).toEqual(['answer 3'])
    expect(events.at(-1)).toEqual(['transcript_works_again', { lost: 2 }])
  })

  it('one bad file does not hide the others', () => {
    transcript().append(exchange(1))
    transcript().append(exchange(2, { at: 86_400_000 }))
    transcript().append(exchange(3, { at: 2 * 86_400_000 }))
    rmSync(file('1970-01-02.md'))
    mkdirSync(file('1970-01-02.md'))
    expect(answers()).toEqual(['answer 1', 'answer 3'])
  })

  it('a file without end costs no more than its bound', () => {
    transcript().append(exchange(1))
    truncateSync(file(DAY), 10 * 1024 ** 4)
    const from = performance.now()
    expect(answers()).toEqual([])
    transcript().append(exchange(2))
    expect(answers()).toEqual(['answer 2'])
    expect(performance.now() - from).toBeLessThan(5_000)
    expect(readdirSync(folder()).sort()).toEqual([DAY, '1970-01-01.part-2.md'])
  })

  it('a thousand planted files are not all read', () => {
    transcript().append(exchange(1))
    const days = Array.from({ length: 1_000 }, (_, n) => `2${String(n).padStart(3, '0')}-01-01.md`)
    for (const day of days) writeFileSync(file(day), 'noise')
    expect(transcript().newest('one', () => false)).toEqual({ entries: [], more: true })
  })
})

describe('a disk that takes nothing', () => {
  it('costs the record, not the turn, and is told once with what was lost', () => {
    const one = new Transcript(
      '/proc/creel-cannot-write-here',
      (event, fields) => void events.push([event, fields]),
    )
    for (let n = 1; n <= 3; n++) one.append(exchange(n))
    expect(names()).toEqual(['transcript_not_written'])
    expect(one.newest('one', () => false)).toEqual({ entries: [], more: false })
  })
})
