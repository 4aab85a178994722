import { expect, test } from 'vitest'
import { logText } from './log-frames.ts'

function frame(stream: number, payload: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(payload), 4)
  return Buffer.concat([header, Buffer.from(payload)])
}

test('joins the streams in order, with characters that were cut between frames', () => {
  const euro = Buffer.from('€')
  const cut = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 1]), euro.subarray(0, 1)])
  const rest = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 2]), euro.subarray(1)])
  expect(logText(Buffer.concat([frame(1, 'out\n'), frame(2, 'err\n'), cut, rest]))).toBe('out\nerr\n€')
})

test('what was written cannot forge a frame, and a cut-off one is kept as far as it goes', () => {
  const forged = frame(1, 'x').toString('latin1')
  expect(logText(frame(1, forged))).toBe(forged)
  expect(logText(frame(1, 'whole line\n').subarray(0, 12))).toBe('whol')
  expect(logText(Buffer.from([1, 0, 0]))).toBe('')
})

test('keeps the end of what is too long', () => {
  const text = logText(frame(1, `${'x'.repeat(200_000)}end`))
  expect(text).toHaveLength(64 * 1024)
  expect(text.endsWith('xend')).toBe(true)
})
