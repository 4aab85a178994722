/** Whatever the parser stops at, and `|`, of which a table's cells are made. */
const MARKS = new Set(Array.from('!#$%&*+-:<=>@[\\]^_`{|}~', (mark) => mark.charCodeAt(0)))
/** Of these the line below a table's head is made; it says how many cells each row is filled up to. */
const OF_DELIMITERS = new Set(Array.from(' \t>|:-', (mark) => mark.charCodeAt(0)))
/** What a line may begin with before it is a quote: other quotes, and list items. */
const BEFORE_QUOTES = new Set(Array.from('>-+*.)0123456789', (mark) => mark.charCodeAt(0)))
const [NEWLINE, SPACE, TAB, AMPERSAND, QUOTE, BRACKET, PIPE] = [10, 32, 9, 38, 62, 91, 124] as const
/** The parser gives up on what is nested deeper. */
const MAX_NESTING = 100
/** Of a mark, beside one more look at it. */
const BASE = 20
/** A line, or an entity, is more than one mark. */
const MORE_MARKS = 2
/**
 * At this bound the worst that a search found took about 16 ms of the host's only thread for a chat's text, and 36 ms for
 * the page's, which is longer; 10 000 characters of prose, lists and code stay well below.
 */
const MAX_WORK = 100_000
/** A cell that the parser adds costs as much as one that was written, but takes no room in the text. */
const ADDED_CELL = 200

interface Block {
  marks: number
  brackets: number
  quotes: number
  columns: number
}

interface Line {
  marks: number
  brackets: number
  quotes: number
  pipes: number
  isBlank: boolean
  hasBegun: boolean
  mayDelimit: boolean
}

/**
 * How much work `parseMarkdown` makes of a text, at worst, in looks at one mark: the parser looks at every mark again
 * for each bracket that is open before it, at every line again for each quote that it may belong to, and fills the
 * short rows of a table up. Far below the bound for prose of any length. Takes clean text; linear itself.
 */
export function formattingWork(text: string): number {
  let work = 0
  let block: Block = { marks: 0, brackets: 0, quotes: 0, columns: 0 }
  for (let at = 0; at < text.length; ) {
    const line = newLine()
    at = readLine(text, at, line)
    if (line.isBlank) {
      work += BASE + blockWork(block)
      block = { marks: 0, brackets: 0, quotes: 0, columns: 0 }
    } else work += addLine(block, line)
  }
  return work + blockWork(block)
}

/**
 * Whether a text looks as if it was made to keep the parser busy, however short, so that it is better shown as it was
 * written: the thread that would parse it is the only one the host has. Takes clean text.
 */
export function isTooMuchToFormat(text: string): boolean {
  return formattingWork(text) > MAX_WORK
}

function newLine(): Line {
  return {
    marks: MORE_MARKS,
    brackets: 0,
    quotes: 0,
    pipes: 0,
    isBlank: true,
    hasBegun: false,
    mayDelimit: true,
  }
}

/** Counts what is in the line that begins at `from`; where the next one begins. By hand, for lists of matches cost more. */
function readLine(text: string, from: number, line: Line): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === NEWLINE) return at + 1
    if (code === SPACE || code === TAB) continue
    line.isBlank = false
    if (!BEFORE_QUOTES.has(code)) line.hasBegun = true
    if (!OF_DELIMITERS.has(code)) line.mayDelimit = false
    if (!MARKS.has(code)) continue
    line.marks += code === AMPERSAND ? 1 + MORE_MARKS : 1
    if (code === BRACKET && !isTick(text, at)) line.brackets += 1
    else if (code === QUOTE && !line.hasBegun) line.quotes += 1
    else if (code === PIPE) line.pipes += 1
  }
  return text.length
}

/** The box of a list of things to do: it is closed at once, and long lists have many. */
function isTick(text: string, at: number): boolean {
  return text[at + 2] === ']' && (text[at + 1] === ' ' || text[at + 1] === 'x')
}

/** The work of filling a row up; the rest is known at the end of the block. */
function addLine(block: Block, { marks, brackets, quotes, pipes, mayDelimit }: Line): number {
  block.marks += marks
  block.brackets += brackets
  block.quotes = Math.max(block.quotes, quotes)
  if (mayDelimit) block.columns = Math.max(block.columns, pipes + 1)
  // A delimiter that begins and ends with a `|` has two more than the row of as many cells that does not.
  return Math.max(0, block.columns - pipes - 3) * ADDED_CELL
}

/** Of lines without an empty one between them: nothing that is open goes on beyond that. */
function blockWork({ marks, brackets, quotes }: Block): number {
  return marks * (BASE + Math.min(brackets, MAX_NESTING) + Math.min(quotes, MAX_NESTING) * BASE)
}
