import type { RichText, Span, SpanKind } from './rich-text.ts'

type StyleKind = Exclude<SpanKind, 'code' | 'pre'>

interface OpenSpan {
  readonly kind: StyleKind
  start: number
  readonly url?: string
  /** The same kind is open further out, so this one adds nothing. */
  readonly inner: boolean
}

/** Builds a RichText from front to back and keeps its promise about how spans nest. */
export class RichWriter {
  /** Put before the first text of every line. */
  indent = ''
  readonly #chunks: string[] = []
  readonly #spans: Span[] = []
  readonly #open: OpenSpan[] = []
  #length = 0
  #newlines = 0
  #gap = 0
  #afterMarker = false

  /** Asks for at least this many line ends before the next text. Nothing at the very start or after a marker. */
  gap(newlines: number): void {
    if (this.#length > 0 && !this.#afterMarker) this.#gap = Math.max(this.#gap, newlines)
  }

  /** Writes a list bullet; what follows stands on the same line. */
  marker(text: string): void {
    this.write(text)
    this.#afterMarker = true
  }

  write(text: string): void {
    if (text === '') return
    this.#begin()
    const lines = text.split('\n')
    lines.forEach((line, index) => {
      if (index > 0) this.#append('\n')
      if (line === '') return
      if (this.#newlines > 0) this.#append(this.indent)
      this.#append(line)
    })
  }

  /** Code: no other formatting inside it, and in none but a quote. Inside a link the link wins. */
  verbatim(kind: 'code' | 'pre', text: string, language?: string): void {
    if (text === '') return
    this.#begin()
    if (this.#newlines > 0) this.#append(this.indent)
    const start = this.#length
    if (!this.#open.some((span) => span.kind === 'link')) {
      for (const span of this.#open) if (span.kind !== 'quote') this.#close(span)
      const end = start + text.length
      this.#spans.push({ kind, start, end, ...(language === undefined ? {} : { language }) })
      for (const span of this.#open) if (span.kind !== 'quote') span.start = end
    }
    this.#append(text)
  }

  open(kind: StyleKind, url?: string): void {
    this.#begin()
    const inner = this.#open.some((span) => span.kind === kind)
    this.#open.push({ kind, start: this.#length, inner, ...(url === undefined ? {} : { url }) })
  }

  /** Ends the innermost open span of this kind; nothing when there is none. */
  close(kind: StyleKind): void {
    const index = this.#open.findLastIndex((span) => span.kind === kind)
    const span = this.#open[index]
    if (span === undefined) return
    this.#close(span)
    this.#open.splice(index, 1)
  }

  finish(): RichText {
    for (const span of this.#open.splice(0)) this.#close(span)
    // An outer span ends after the inner one, so of two equal ones the later comes first.
    const spans = this.#spans.reverse().sort((a, b) => a.start - b.start || b.end - a.end)
    return { text: this.#chunks.join(''), spans }
  }

  #begin(): void {
    while (this.#newlines < this.#gap) this.#append('\n')
    this.#gap = 0
    this.#afterMarker = false
  }

  #append(text: string): void {
    if (text === '') return
    this.#chunks.push(text)
    this.#length += text.length
    const trailing = /\n*$/.exec(text.slice(-2))?.[0].length ?? 0
    this.#newlines = trailing === text.length ? this.#newlines + trailing : trailing
  }

  #close(span: OpenSpan): void {
    if (span.inner || span.start >= this.#length) return
    const { kind, start, url } = span
    this.#spans.push({ kind, start, end: this.#length, ...(url === undefined ? {} : { url }) })
  }
}
