const LONE_SURROGATE = /\p{Surrogate}/gu
/** Everything below space but tab and newline, and DEL with the C1 block. */
const CONTROL = /[^\P{Cc}\t\n]/gu
/** Formatting characters that are not seen: bidi controls, zero-width characters, tags. */
const UNSEEN = /\p{Cf}|\p{Variation_Selector}/gu
const SPACES = /\s+/gu
const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Mn}\u{115F}\u{1160}\u{2800}\u{3164}\u{FFA0}]/u

/** Valid UTF-16 with `\n` line ends and no control characters, for text that a person or a model wrote. */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(LONE_SURROGATE, '\uFFFD').replace(CONTROL, '')
}

/**
 * A name on one line, with nothing in it that hides or turns text around, so that nobody can pose as another by
 * invisible characters. At most `limit` code points. Empty when nothing is left.
 */
export function cleanName(name: string, limit = 64): string {
  const line = name
    .slice(0, limit * 8)
    .replace(LONE_SURROGATE, '')
    .replace(SPACES, ' ')
    .replace(CONTROL, '')
    .replace(UNSEEN, '')
    .trim()
  return hasVisible(line) ? Array.from(line).slice(0, limit).join('').trim() : ''
}

/** Whether a person would see anything at all. */
export function hasVisible(text: string): boolean {
  return VISIBLE.test(text)
}
