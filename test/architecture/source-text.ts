/** One source text in two layers of equal length, so that a position in one is a position in the other. */
export interface SourceLayers {
  /** Comments, and what stands between quotes, are blanks. Expressions inside template literals stay. */
  readonly code: string
  /** Only what stands in comments. */
  readonly comments: string
}

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|throw|await|yield))$/

/**
 * Splits TypeScript into layers. A scanner, not a parser: enough for rules about words, as the formatter keeps the
 * text regular. Whether `/` divides or opens a regular expression is judged by what stands before it.
 */
export function splitLayers(text: string): SourceLayers {
  const code = Array.from({ length: text.length }, (_, i) => text.charAt(i))
  const comments = code.map((char): string => (char === '\n' ? '\n' : ' '))
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (code[i] !== '\n') code[i] = ' '
  }
  /** Depth of `{` at which each open template expression ends. */
  const templates: number[] = []
  let depth = 0
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    const two = text.slice(at, at + 2)
    if (two === '//' || two === '/*') {
      const end = two === '//' ? endOf(text, '\n', at) : endOf(text, '*/', at + 2) + 2
      for (let i = at; i < Math.min(end, text.length); i++) comments[i] = text.charAt(i)
      blank(at, Math.min(end, text.length))
      at = end
    } else if (char === "'" || char === '"') {
      const end = endOfQuoted(text, at + 1, char)
      blank(at + 1, end)
      at = end + 1
    } else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop()
      const end = endOfTemplateText(text, at + 1)
      blank(at + 1, end)
      if (text.charAt(end) === '$') {
        templates.push(depth)
        at = end + 2
      } else at = end + 1
    } else if (char === '/' && REGEX_MAY_FOLLOW.test(before(code, at))) {
      const end = endOfRegex(text, at + 1)
      blank(at + 1, end)
      at = end + 1
    } else {
      if (char === '{') depth++
      if (char === '}') depth--
      at++
    }
  }
  return { code: code.join(''), comments: comments.join('') }
}

/** 1-based number of the line that holds `position`. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found < 0 ? text.length : found
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from
  while (at < text.length && text.charAt(at) !== quote && text.charAt(at) !== '\n')
    at += text.charAt(at) === '\\' ? 2 : 1
  return at
}

function endOfTemplateText(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charAt(at) !== '`' && text.slice(at, at + 2) !== '${')
    at += text.charAt(at) === '\\' ? 2 : 1
  return at
}

function endOfRegex(text: string, from: number): number {
  let at = from
  let inClass = false
  while (at < text.length && text.charAt(at) !== '\n') {
    const char = text.charAt(at)
    if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) break
    at += char === '\\' ? 2 : 1
  }
  return at
}

function before(code: readonly string[], at: number): string {
  let end = at
  while (end > 0 && /\s/.test(code[end - 1] ?? '')) end--
  return code.slice(Math.max(0, end - 8), end).join('')
}
