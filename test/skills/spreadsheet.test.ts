import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SkillProgram } from './skill-program.ts'

const sheet = () => new SkillProgram('spreadsheet', 'sheet.ts')
const CSV =
  'Date;What;Amount\n2026-01-02;food;1.234,50\n2026-01-03;rent;900\n2026-01-04;food;=1+1\n2026-01-05;;007\n'

it('describes columns with what is in them, and counts both ways of writing a number', async () => {
  using program = sheet()
  program.write('a.csv', CSV)
  const { out } = await program.run('describe', 'a.csv')
  expect(out.trim().split('\n')).toEqual([
    '4 rows below the head, 3 columns',
    'A Date: 4 text; such as 2026-01-02',
    'B What: 3 text, 1 empty; such as food',
    'C Amount: 3 number, 1 text; 7 to 1234.5, sum 2141.5; such as 1.234,50',
  ])
})

it('sums by a column, and says what it left out', async () => {
  using program = sheet()
  program.write('a.csv', `${CSV}2026-01-06;food;0,10\n2026-01-07;food;0,20\n`)
  const { out } = await program.run('sum', 'a.csv', '--by', 'What', '--of', 'Amount')
  expect(out.trim().split('\n')).toEqual([
    'food: 1234.8',
    'rent: 900',
    '(empty): 7',
    'in all: 2141.8 from 5 rows; 1 left out without a number',
  ])
})

it('takes a table to Excel and back: numbers that lose nothing become numbers, nothing becomes a formula', async () => {
  using program = sheet()
  program.write('a.csv', CSV)
  await program.run('convert', 'a.csv', 'a.xlsx')
  const kinds = await program.run('describe', 'a.xlsx')
  expect(kinds.out).toContain('sheets: ')
  await program.run('convert', 'a.xlsx', 'b.csv')
  const back = readFileSync(join(program.folder, 'b.csv'), 'utf8').split('\r\n')
  expect(back.slice(1, 5)).toEqual([
    '2026-01-02,food,"1.234,50"',
    '2026-01-03,rent,900',
    "2026-01-04,food,'=1+1",
    '2026-01-05,,007',
  ])
})

it('reads what old programs write: another encoding, another separator', async () => {
  using program = sheet()
  program.write('a.csv', Buffer.from('Gr\xf6sse\tZahl\nM\xfcller\t1\n', 'latin1'))
  const { out } = await program.run('head', 'a.csv')
  expect(out).toBe('Grösse | Zahl\nMüller | 1\n')
})

it('never writes over a file, and says what is wrong', async () => {
  using program = sheet()
  program.write('a.csv', CSV)
  program.write('b.xlsx', 'somebody sent this')
  const over = await program.run('convert', 'a.csv', 'b.xlsx')
  expect(over).toMatchObject({ code: 1, err: 'sheet: b.xlsx exists already: name another file\n' })
  expect(readFileSync(join(program.folder, 'b.xlsx'), 'utf8')).toBe('somebody sent this')
  const column = await program.run('sum', 'a.csv', '--by', 'Who', '--of', 'Amount')
  expect(column.err).toBe('sheet: --by: expected one of the columns Date, What, Amount, got Who\n')
  const kind = await program.run('convert', 'a.csv', 'c.ods')
  expect(kind.err).toContain('expected a name that ends in .csv or .xlsx, got c.ods')
  expect(existsSync(join(program.folder, 'c.ods'))).toBe(false)
})
