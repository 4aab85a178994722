// Scripts that put no space between words: each character counts as a word, and words of several are phrases.
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\u30FC]/gu
const BETWEEN = /[^\p{L}\p{N}\p{M}]+/gu
/** Accents and points; not those that make another syllable in Japanese. */
const ACCENTS = /(?![\u3099\u309A])\p{Mn}/gu

/** The form in which texts are compared: without case, accents and forms of the same letter. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(ACCENTS, '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ς', 'σ')
}

/** The words of a text, folded, with one space between them; '' when it has none. Linear in its length. */
export function wordsOf(text: string): string {
  return fold(text).replace(UNSPACED, ' $& ').replace(BETWEEN, ' ').trim()
}

/**
 * What a person or a model typed, as a full-text query that cannot be wrong: each typed word is a phrase that may go on
 * in the text. Null when nothing in it is a word.
 */
export function matchOf(terms: readonly string[], join: 'AND' | 'OR'): string | null {
  // Nothing but letters, numbers and spaces is left in a term, so nothing of it is syntax.
  const phrases = terms.map((term) => `"${term}"*`)
  return phrases.length === 0 ? null : phrases.join(` ${join} `)
}

/** The typed words, each folded, without repeats. */
export function termsOf(query: string): string[] {
  const typed = query.split(/\s+/).map(wordsOf)
  return [...new Set(typed.filter((term) => term !== ''))]
}
