import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HostLog, openHostLog } from './host-log.ts'
import { LogTail, lastLines } from './log-tail.ts'

let folder: string
let opened: HostLog | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-log-'))
})
afterEach(() => {
  opened?.[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

test('a log that has grown is put aside, four old ones are kept, and no line is lost on the way', () => {
  const file = join(folder, 'logs', 'host.log')
  opened = openHostLog(file, 'info', { maxBytes: 200 })
  for (let round = 1; round <= 7; round += 1) {
    opened.log.info({ round, filler: 'x'.repeat(200) }, 'a line')
  }
  opened.log.info({ round: 8 }, 'the last line')
  opened.flush()
  const rounds = [file, 1, 2, 3, 4].map(
    (which) => JSON.parse(readFileSync(which === file ? file : `${file}.${which}`, 'utf8')).round,
  )
  expect(rounds).toEqual([8, 7, 6, 5, 4])
  expect(existsSync(`${file}.5`)).toBe(false)
})

test('a log that was too large already is put aside at the start', () => {
  const file = join(folder, 'host.log')
  writeFileSync(file, 'x'.repeat(300))
  opened = openHostLog(file, 'info', { maxBytes: 200 })
  opened.log.info('fresh')
  expect(readFileSync(`${file}.1`, 'utf8')).toHaveLength(300)
  expect(readFileSync(file, 'utf8')).toContain('fresh')
})

test('a flood of lines cannot make it larger than its bound and one line', () => {
  const file = join(folder, 'host.log')
  opened = openHostLog(file, 'info', { maxBytes: 8_000 })
  for (let n = 0; n < 1_000; n += 1) opened.log.info({ n }, 'a line')
  for (const which of [file, `${file}.1`, `${file}.2`, `${file}.3`, `${file}.4`])
    expect(statSync(which).size).toBeLessThan(8_100)
})

test('what a killed rotation left is put in order by the next one', () => {
  const file = join(folder, 'host.log')
  writeFileSync(`${file}.2`, 'older')
  writeFileSync(`${file}.1`, 'old')
  opened = openHostLog(file, 'info', { maxBytes: 200 })
  opened.log.info('x'.repeat(200))
  expect(readdirSync(folder).sort()).toEqual(['host.log', 'host.log.1', 'host.log.2', 'host.log.3'])
  expect(readFileSync(`${file}.3`, 'utf8')).toBe('older')
})

test('the last lines are found behind rotations, and a reader that follows misses none', () => {
  const file = join(folder, 'host.log')
  opened = openHostLog(file, 'info', { maxBytes: 500 })
  const say = (from: number, to: number) => {
    for (let n = from; n < to; n += 1) opened?.log.info({ n }, 'a line')
    opened?.flush()
  }
  const numbers = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { n: number }).n)
  say(0, 20)
  expect(numbers(lastLines(file, 12, () => true))).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  expect(numbers(lastLines(file, 2, (line) => line.includes('"n":1')))).toEqual([18, 19])
  expect(lastLines(file, 0, () => true)).toEqual([])
  const tail = new LogTail(file)
  expect(tail.read()).toEqual([])
  const followed: number[] = []
  for (let n = 20; n < 60; n += 3) {
    say(n, n + 3)
    followed.push(...numbers(tail.read()))
  }
  expect(followed).toEqual(Array.from({ length: 42 }, (_, index) => 20 + index))
  tail[Symbol.dispose]()
})
