import type { RichText, Span } from './rich-text.ts'

/** A seam earlier than this share of the window would make a needlessly short part. */
const EARLIEST = 0.25
/** Seams looked at before the next weaker kind is tried; bounds the work on hostile text. */
const TRIES = 50

/** Finds where one text may be cut. Holds no state between cuts. */
export class CutFinder {
  readonly #text: string
  readonly #whole: readonly Span[]
  readonly #blocks: readonly Span[]
  readonly #graphemes: Intl.Segments

  constructor(rich: RichText) {
    this.#text = rich.text
    this.#whole = rich.spans.filter((span) => span.kind === 'link' || span.kind === 'code')
    this.#blocks = rich.spans.filter((span) => span.kind === 'pre')
    this.#graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(rich.text)
  }

  /** The best cut after `from` and not after `to`. Always greater than `from`. */
  cut(from: number, to: number): number {
    if (to >= this.#text.length) return this.#text.length
    const earliest = from + Math.floor((to - from) * EARLIEST)
    return (
      this.#seam('\n\n', earliest, to, (at) => this.#inside(this.#blocks, at) === undefined) ??
      this.#seam('\n', earliest, to) ??
      this.#seam(' ', earliest, to) ??
      this.#anywhere(from, to)
    )
  }

  #seam(mark: string, earliest: number, to: number, allowed = (_at: number) => true): number | undefined {
    let at = this.#text.lastIndexOf(mark, to)
    for (let tries = 0; at > earliest && tries < TRIES; tries += 1) {
      if (allowed(at) && this.#inside(this.#whole, at) === undefined && this.#isBoundary(at)) return at
      at = this.#text.lastIndexOf(mark, at - 1)
    }
    return undefined
  }

  #anywhere(from: number, to: number): number {
    const span = this.#inside(this.#whole, to)
    if (span !== undefined && span.start > from) return span.start
    const cluster = this.#graphemes.containing(to)
    if (cluster !== undefined && cluster.index > from) return cluster.index
    // One cluster longer than a whole part: only the surrogate pair can still be spared.
    const pair = /[\uD800-\uDBFF]/.test(this.#text[to - 1] ?? '')
    return pair && to - 1 > from ? to - 1 : to
  }

  #inside(spans: readonly Span[], at: number): Span | undefined {
    return spans.find((span) => span.start < at && at < span.end)
  }

  #isBoundary(at: number): boolean {
    return this.#graphemes.containing(at)?.index === at
  }
}
