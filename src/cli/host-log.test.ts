import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HostLog, openHostLog } from './host-log.ts'

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
    opened.rotate()
  }
  opened.log.info({ round: 8 }, 'the last line')
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
