import type { OutboxEntry } from '@creel/protocol'
import { expect, test } from 'vitest'
import { upToFile, upToText } from './collected-file.ts'

const items = (...entries: OutboxEntry[]) => entries.map((entry, index) => ({ seq: index + 1, entry }))
const reply = (units: number): OutboxEntry => ({ type: 'reply', inboxSeq: 1, text: 'x'.repeat(units) })
const send = (units: number): OutboxEntry => ({
  type: 'send',
  key: 'k',
  inboxSeq: 1,
  text: 'x'.repeat(units),
})
const settled: OutboxEntry = { type: 'settled', inboxSeq: 1, outcome: 'done' }
const file = (units: number): OutboxEntry => ({
  ...{ type: 'file', inboxSeq: 1, file: 'a'.repeat(64), name: 'n', mime: 'm', bytes: 1 },
  caption: 'x'.repeat(units),
})

test('a batch ends before the text that is too much, and keeps what says nothing', () => {
  const sizes = (...entries: OutboxEntry[]) => upToText(items(...entries), 10).length
  expect(sizes()).toBe(0)
  expect(sizes(reply(5), send(5), settled)).toBe(3)
  expect(sizes(reply(5), send(6), settled)).toBe(1)
  expect(sizes(settled, reply(5), settled, reply(6))).toBe(3)
  expect(upToText([{ seq: 1, rejected: 'r' }, ...items(reply(11))], 10)).toHaveLength(1)
  expect(sizes(...Array.from({ length: 200 }, () => settled))).toBe(200)
})

test('a batch has its first item, however long, and then no text', () => {
  expect(upToText(items(reply(11), settled, reply(1)), 10)).toHaveLength(2)
  expect(upToText(items(file(11), settled, reply(1)), 10)).toHaveLength(2)
})

test('a file still begins a batch', () => {
  const read = items(reply(1), settled, file(1), reply(1))
  expect(upToText(upToFile(read))).toEqual(read.slice(0, 2))
  expect(upToText(upToFile(read.slice(2)))).toEqual(read.slice(2))
})
