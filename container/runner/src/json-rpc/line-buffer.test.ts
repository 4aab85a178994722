import { describe, expect, it } from 'vitest'
import { LineBuffer } from './line-buffer.ts'

const MAX = 64

function texts(chunks: readonly (string | Buffer)[]): (string | number)[] {
  const buffer = new LineBuffer(MAX)
  return chunks.flatMap((chunk) =>
    buffer.push(Buffer.from(chunk)).map((line) => ('text' in line ? line.text : line.tooLong)),
  )
}

describe('LineBuffer', () => {
  it('puts a line together from chunks of any size', () => {
    const bytes = [...Buffer.from('{"a":1}\n{"b":2}\n')].map((byte) => Buffer.from([byte]))
    expect(texts(bytes)).toEqual(['{"a":1}', '{"b":2}'])
  })

  it('takes several lines out of one chunk and keeps the rest', () => {
    expect(texts(['one\ntwo\nthr', 'ee\n'])).toEqual(['one', 'two', 'three'])
  })

  it('does not break a character that is split over chunks', () => {
    const bytes = Buffer.from('grüße 🎣\n')
    for (let cut = 1; cut < bytes.length; cut += 1) {
      expect(texts([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(['grüße 🎣'])
    }
  })

  it('splits at LF alone, and drops CR and empty lines', () => {
    expect(texts(['a\u2028b\r\n\n \n', 'c\n'])).toEqual(['a\u2028b', 'c'])
  })

  it('drops a line that is too long, says its length, and goes on with the next', () => {
    expect(texts(['x'.repeat(40), 'x'.repeat(40), 'x'.repeat(40), '\nshort\n'])).toEqual([120, 'short'])
    expect(texts([`${'x'.repeat(MAX)}\n${'x'.repeat(MAX + 1)}\n`])).toEqual(['x'.repeat(MAX), MAX + 1])
  })

  it('keeps nothing of a line that never ends', () => {
    const buffer = new LineBuffer(MAX)
    for (let i = 0; i < 1_000; i += 1) expect(buffer.push(Buffer.alloc(1_000, 'x'))).toEqual([])
    expect(buffer.push(Buffer.from('\nok\n'))).toEqual([{ tooLong: 1_000_000 }, { text: 'ok' }])
  })
})
