import { CutFinder } from './cut-finder.ts'
import type { RichText, Span } from './rich-text.ts'

export interface SplitOptions {
  /** Most UTF-16 units in one part. */
  readonly limit: number
  /** Most spans in one part. */
  readonly maxSpans: number
}

/**
 * Cuts a text into parts that fit, in order. Prefers to cut between paragraphs, then lines, then words; never
 * cuts a grapheme cluster or a link that would fit whole. A span that is cut goes on in the next part, with its
 * language or address. White space at the seams is dropped; nothing else is. An empty text gives no part.
 */
export function splitRichText(rich: RichText, options: SplitOptions): RichText[] {
  const parts: RichText[] = []
  const finder = new CutFinder(rich)
  let at = skipBlank(rich, 0)
  while (at < rich.text.length) {
    const end = finder.cut(at, Math.min(at + options.limit, spanBound(rich, at, options)))
    const part = slice(rich, at, end)
    if (part.text !== '') parts.push(part)
    at = skipBlank(rich, end)
  }
  return parts
}

/** Where the first span begins that would be one too many for a part that begins at `at`. */
function spanBound(rich: RichText, at: number, options: SplitOptions): number {
  const inWindow = rich.spans.filter((span) => span.end > at && span.start < at + options.limit)
  const bound = inWindow[options.maxSpans]?.start ?? rich.text.length
  return bound > at ? bound : rich.text.length
}

/** Over the white space that a part need not begin with; in code only over line ends. */
function skipBlank(rich: RichText, from: number): number {
  const block = rich.spans.find((span) => span.kind === 'pre' && span.start < from && from < span.end)
  if (block !== undefined) return rich.text[from] === '\n' ? from + 1 : from
  const blank = /\s*/y
  blank.lastIndex = from
  const end = from + (blank.exec(rich.text)?.[0].length ?? 0)
  const code = rich.spans.find((span) => span.kind === 'pre' && span.start >= from && span.start < end)
  return code === undefined ? end : code.start
}

function slice(rich: RichText, from: number, to: number): RichText {
  const text = rich.text.slice(from, to).trimEnd()
  const end = from + text.length
  const spans: Span[] = []
  for (const span of rich.spans) {
    if (span.start >= end) break
    if (span.end <= from) continue
    spans.push({ ...span, start: Math.max(span.start, from) - from, end: Math.min(span.end, end) - from })
  }
  return { text, spans }
}
