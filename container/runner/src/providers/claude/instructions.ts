/** What fits and which parts were left out for it. */
export interface FittedInstructions {
  readonly text: string
  /** Headings of the parts that are missing, in their order; empty when all fits. */
  readonly leftOut: readonly string[]
}

/** Room for the note that names what is missing. */
const NOTE_BYTES = 1_000
const MAX_NAMED = 20
const MAX_HEADING = 60

/**
 * Instructions of at most `maxBytes` (UTF-8). Too long ones lose their largest sections, never the first, and say so
 * at their end, so that model and operator know; a first section that is too long by itself is cut. Pure.
 */
export function fitInstructions(markdown: string, maxBytes: number): FittedInstructions {
  if (bytes(markdown) <= maxBytes) return { text: markdown, leftOut: [] }
  const sections = sectionsOf(markdown)
  const room = Math.max(0, maxBytes - NOTE_BYTES)
  const dropped = new Set<number>()
  const bySize = sections.map((section, at) => ({ at, size: bytes(section) })).slice(1)
  bySize.sort((a, b) => b.size - a.size)
  let total = sections.reduce((sum, section) => sum + bytes(section), 0)
  for (const { at, size } of bySize) {
    if (total <= room) break
    dropped.add(at)
    total -= size
  }
  const leftOut = sections.flatMap((section, at) => (dropped.has(at) ? [headingOf(section)] : []))
  const kept = sections.filter((_, at) => !dropped.has(at)).join('')
  const whole = bytes(kept) <= room
  return {
    text: `${whole ? kept : cut(kept, room)}\n\n${note(leftOut, whole, maxBytes)}`,
    leftOut: whole ? leftOut : [...leftOut, `the end of "${headingOf(kept)}"`],
  }
}

/** Split before each heading of the first two levels, outside fenced code. */
function sectionsOf(markdown: string): string[] {
  const sections: string[] = ['']
  let fenced = false
  for (const line of markdown.split(/(?<=\n)/)) {
    if (/^\s*(?:```|~~~)/.test(line)) fenced = !fenced
    const begins = !fenced && /^#{1,2} /.test(line) && sections.at(-1)?.trim() !== ''
    if (begins) sections.push(line)
    else sections[sections.length - 1] += line
  }
  return sections
}

function headingOf(section: string): string {
  const line = section.trim().split('\n', 1)[0] ?? ''
  return line.replace(/^#+ */, '').slice(0, MAX_HEADING) || 'a part without a heading'
}

function note(leftOut: readonly string[], whole: boolean, maxBytes: number): string {
  const named = leftOut.slice(0, MAX_NAMED).map((heading) => `"${heading}"`)
  if (leftOut.length > MAX_NAMED) named.push(`${leftOut.length - MAX_NAMED} more`)
  const parts = [
    ...(named.length > 0 ? [`left out: ${named.join(', ')}`] : []),
    ...(whole ? [] : ['the rest above is cut']),
  ]
  const limit = NOTE_BYTES - 100
  return cut(`(These instructions are longer than ${maxBytes} bytes; ${parts.join('; ')}`, limit).concat('.)')
}

function cut(text: string, maxBytes: number): string {
  const buffer = Buffer.from(text)
  if (buffer.length <= maxBytes) return text
  // A character that the cut splits is left away.
  return buffer
    .subarray(0, maxBytes)
    .toString('utf8')
    .replace(/\uFFFD$/, '')
}

function bytes(text: string): number {
  return Buffer.byteLength(text)
}
