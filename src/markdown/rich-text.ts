/** Formatting that chat platforms share. */
export type SpanKind = 'bold' | 'italic' | 'strike' | 'code' | 'pre' | 'link' | 'quote'

/** One stretch of formatting; `start` and `end` count UTF-16 units of the text. */
export interface Span {
  readonly kind: SpanKind
  readonly start: number
  readonly end: number
  /** Of a `pre`: its language, when it was given. */
  readonly language?: string
  /** Of a `link`. */
  readonly url?: string
}

/**
 * Text with its formatting beside it, so that nothing needs escaping and cutting is exact. Spans are sorted by
 * `start`, the longer one first; two spans either nest or do not touch; `code` and `pre` hold no other span and
 * lie in none but a `quote`.
 */
export interface RichText {
  readonly text: string
  readonly spans: readonly Span[]
}
