/** What is found as one: what somebody said, a note of a list, a paragraph. */
export interface Passage {
  /** Its first line in the file, from 1. */
  readonly line: number
  /** Who said it and when; absent where the file does not say. */
  readonly said?: string
  readonly text: string
}

/** Characters of one line that are looked at: a line of megabytes is nobody's words. */
const MAX_LINE = 20_000
/** Characters after which a long one goes on in another passage. */
const MAX_PASSAGE = 4_000

/** `**Ann** (telegram:12), 2026-01-31 09:00:00 UTC:`, as the transcript writes who said what follows. */
const SPOKEN =
  /^\*\*([^*]{1,100})\*\* \(([^()]{1,250})\), (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)(?: to .{1,250})?:$/
const ITEM = /^\s{0,8}(?:[-*+]|\d{1,9}[.)])\s/

/** The passages of a markdown file that may have any form. Linear in its length. */
export function passagesOf(text: string): Passage[] {
  const found: Passage[] = []
  let said: string | undefined
  let open: { line: number; lines: string[]; length: number } | undefined
  const close = () => {
    if (open)
      found.push({ line: open.line, text: open.lines.join('\n'), ...(said === undefined ? {} : { said }) })
    open = undefined
  }
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.slice(0, MAX_LINE)
    const spoken = line.startsWith('**') ? SPOKEN.exec(line) : null
    const heading = line.startsWith('#')
    const ends = spoken !== null || heading || line.startsWith('<!--') || line.trim() === ''
    if (ends || ITEM.test(line) || (open && open.length + line.length > MAX_PASSAGE)) close()
    if (spoken) said = `${spoken[1]} (${spoken[2]}), ${spoken[3]}`
    // A mark or a heading begins something else.
    else if (heading || line.startsWith('<!--')) said = undefined
    if (heading) found.push({ line: index + 1, text: line })
    if (ends) continue
    open ??= { line: index + 1, lines: [], length: 0 }
    open.lines.push(line)
    open.length += line.length
  }
  close()
  return found
}
