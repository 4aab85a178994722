// Changes single settings in the text of creel.toml and leaves every other character alone.

/** One setting. `table` '' is the top of the file. */
export interface Setting {
  readonly table: string
  readonly key: string
  readonly value: string
}

/** A new `[[table]]` with these keys, at the end of the file. */
export interface Entry {
  readonly list: string
  readonly keys: Readonly<Record<string, string>>
}

const HEADER = /^\s*\[(\[)?\s*([^\]]+?)\s*\]/

/** The text with the setting in it: its line replaced, else put into its table, else with the table at the end. */
export function withSetting(text: string, { table, key, value }: Setting): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const line = `${key} = ${tomlString(value)}`
  const { from, to } = rangeOf(lines, table)
  if (from === null) return joined([...lines, ...(lines.length > 0 ? [''] : []), `[${table}]`, line])
  const at = lines.findIndex((text, index) => index >= from && index < to && isKey(text, key))
  if (at >= 0) return joined(lines.with(at, `${line}${commentOf(lines[at] ?? '')}`))
  // Directly below the header, or above the first one with the comment that belongs to it.
  const place = table === '' ? beforeComment(lines, to) : from
  const gap = table === '' && place < lines.length && lines[place]?.trim() !== '' ? [''] : []
  return joined(lines.toSpliced(place, 0, line, ...gap))
}

/** The text with another entry of a list of tables. */
export function withEntry(text: string, { list, keys }: Entry): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const rows = Object.entries(keys).map(([key, value]) => `${key} = ${tomlString(value)}`)
  return joined([...lines, ...(lines.length > 0 ? [''] : []), `[[${list}]]`, ...rows])
}

/** A basic string: what is in it cannot end it. */
export function tomlString(value: string): string {
  // JSON escapes the same characters in the same way, but DEL, which TOML wants escaped.
  return JSON.stringify(value).replaceAll('\u007f', '\\u007F')
}

/** Lines of a table, without its header; `from` null when there is none. The top ends at the first header. */
function rangeOf(lines: readonly string[], table: string): { from: number | null; to: number } {
  const header = lines.findIndex((line) => {
    const match = HEADER.exec(line)
    return match !== null && match[1] === undefined && match[2] === table
  })
  const from = table === '' ? 0 : header + 1
  const next = lines.findIndex((line, index) => index >= from && HEADER.test(line))
  const to = next < 0 ? lines.length : next
  return { from: table !== '' && header < 0 ? null : from, to }
}

function isKey(line: string, key: string): boolean {
  return new RegExp(`^\\s*${key}\\s*=`).test(line)
}

/** What stands behind the value of a line, with the blanks before it; a # inside of quotes is none. */
function commentOf(line: string): string {
  const match = /=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#"']*?)(\s*#.*)?$/.exec(line)
  return match?.[1] ?? ''
}

function beforeComment(lines: readonly string[], header: number): number {
  let at = header
  while (at > 0 && at < lines.length && /^\s*#/.test(lines[at - 1] ?? '')) at -= 1
  return at
}

function joined(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
