import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SkillProgram } from './skill-program.ts'

const ics = () => new SkillProgram('calendar', 'ics.ts')

const calendar = (...events: string[][]) =>
  [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y//EN'],
    ...events.flatMap((lines) => ['BEGIN:VEVENT', 'DTSTAMP:20260101T000000Z', ...lines, 'END:VEVENT']),
    ...['END:VCALENDAR', ''],
  ].join('\r\n')

it('makes an appointment that means the same moment in every zone', async () => {
  using program = ics()
  const when = ['--start', '2026-11-24 14:30', '--zone', 'Europe/Zurich', '--minutes', '45']
  const made = await program.run('make', 'a.ics', '--title', 'Dentist; bring, card', ...when, '--alarm', '60')
  expect(made).toMatchObject({ out: 'Tue 2026-11-24 14:30-15:15  Dentist; bring, card\n', code: 0 })
  expect(readFileSync(join(program.folder, 'a.ics'), 'utf8')).toContain('TRIGGER:-PT1H')
  const seen = await program.run('list', 'a.ics', '--from', '2026-11-24', '--zone', 'America/New_York')
  expect(seen.out).toBe('Tue 2026-11-24 08:30-09:15  Dentist; bring, card\n')
})

it('makes whole days, and lists each of them only where it is', async () => {
  using program = ics()
  await program.run('make', 'a.ics', '--title', 'Holiday', '--start', '2026-12-24', '--days', '3')
  const seen = await program.run('list', 'a.ics', '--from', '2026-12-26', '--days', '1')
  expect(seen.out).toBe('Thu 2026-12-24 until Sat 2026-12-26  Holiday\n')
  expect((await program.run('list', 'a.ics', '--from', '2026-12-27')).out).toContain(
    'nothing from 2026-12-27',
  )
})

it('unfolds a series at its hour on both sides of a change of the clocks, without what was cancelled or moved', async () => {
  using program = ics()
  const zone = 'TZID=Europe/Zurich'
  const series = [`UID:s`, `DTSTART;${zone}:20261016T090000`, `DTEND;${zone}:20261016T100000`]
  const file = calendar(
    [...series, 'RRULE:FREQ=WEEKLY;UNTIL=20261113T080000Z', `EXDATE;${zone}:20261030T090000`, 'SUMMARY:Yoga'],
    [
      ...['UID:s', `RECURRENCE-ID;${zone}:20261106T090000`, `DTSTART;${zone}:20261107T110000`],
      ...[`DTEND;${zone}:20261107T120000`, 'SUMMARY:Yoga outside', 'LOCATION:park'],
    ],
  )
  program.write('s.ics', file)
  const seen = await program.run(
    'list',
    's.ics',
    '--from',
    '2026-10-01',
    '--days',
    '60',
    '--zone',
    'Europe/Zurich',
  )
  expect(seen.out.trim().split('\n')).toEqual([
    'Fri 2026-10-16 09:00-10:00  Yoga',
    'Fri 2026-10-23 09:00-10:00  Yoga',
    'Sat 2026-11-07 11:00-12:00  Yoga outside @ park',
    'Fri 2026-11-13 09:00-10:00  Yoga',
  ])
})

it('shows nothing of a title that a terminal would obey, and takes a series without end', async () => {
  using program = ics()
  const file = calendar(['UID:x', 'DTSTART:20200101T000000Z', 'RRULE:FREQ=HOURLY', 'SUMMARY:a\u001b[31m\\nb'])
  program.write('x.ics', file)
  const seen = await program.run('list', 'x.ics', '--from', '2020-01-02', '--days', '1')
  expect(seen.out.split('\n')[0]).toBe('Thu 2020-01-02 00:00-00:00  a [31m b')
  expect(seen.out.trim().split('\n')).toHaveLength(24)
})

it.each([
  ['no calendar', ['list', 'bad.ics'], 'bad.ics is not a calendar file'],
  [
    'no zone',
    ['list', 'bad.ics', '--zone', 'Mars'],
    '--zone: expected an IANA zone such as Europe/Zurich, got Mars',
  ],
  [
    'no day',
    ['make', 'a.ics', '--title', 'x', '--start', 'soon'],
    'expected a day such as 2026-11-24, got soon',
  ],
  ['no length', ['list', 'bad.ics', '--days', '0'], '--days: expected 1 to 3660, got 0'],
])('says what is wrong: %s', async (_, args, problem) => {
  using program = ics()
  program.write('bad.ics', 'nothing of the kind')
  const ran = await program.run(...args)
  expect(ran.code).toBe(1)
  expect(ran.err).toContain(problem)
})
