/** One named part of what an agent is told before its conversation begins. */
export interface InstructionPart {
  /** For the note and the warning, when the part does not fit. */
  readonly name: string
  readonly text: string
  /** Left out before a part that is not optional is touched. */
  readonly optional: boolean
  /** Bytes that the part has in all, when `text` is only its beginning. */
  readonly bytes?: number
}

export interface ComposedInstructions {
  readonly text: string
  /** Names of the parts that are missing, in their order. */
  readonly leftOut: readonly string[]
  /** The part that lost its end, and how many bytes it lost. */
  readonly cut: { readonly name: string; readonly bytes: number } | undefined
}

const GAP = '\n\n'
const MAX_NAMED = 10
const MAX_NAME = 60

/**
 * One text of at most `maxBytes` (UTF-8) of all parts in their order. What does not fit is left out in the open: the
 * largest optional parts first, then the end of the largest other one, each named in the text. `whole` is where the
 * agent finds all of it. Never fails; empty parts do not count. Pure.
 */
export function composeInstructions(
  parts: readonly InstructionPart[],
  maxBytes: number,
  whole: string,
): ComposedInstructions {
  const given = parts
    .map((part) => ({ ...part, text: part.text.toWellFormed().trim() }))
    .filter(({ text }) => text !== '')
  const optional = given.filter((part) => part.optional).sort((a, b) => bytes(a.text) - bytes(b.text))
  const dropped = new Set<InstructionPart>()
  const kept = () => given.filter((part) => !dropped.has(part))
  const leftOut = () => given.filter((part) => dropped.has(part)).map(({ name }) => shortName(name))
  const text = () => joined([...kept().map((part) => part.text), ...noteOf(leftOut(), whole)])
  while (bytes(text()) > maxBytes) {
    const largest = optional.pop()
    if (!largest) return cutLargest(kept(), leftOut(), maxBytes, whole)
    dropped.add(largest)
  }
  const whollyGiven = given.every((part) => part.bytes === undefined)
  return whollyGiven
    ? { text: text(), leftOut: leftOut(), cut: undefined }
    : cutLargest(kept(), leftOut(), maxBytes, whole)
}

/** What had to go is gone: the largest of the parts that are not optional loses its end. */
function cutLargest(
  kept: readonly InstructionPart[],
  leftOut: readonly string[],
  maxBytes: number,
  whole: string,
): ComposedInstructions {
  const size = (part: InstructionPart) => Math.max(part.bytes ?? 0, bytes(part.text))
  const [victim] = kept.filter((part) => !part.optional).sort((a, b) => size(b) - size(a))
  if (!victim) return { text: '', leftOut, cut: undefined }
  const note = noteOf(leftOut, whole)
  const total = size(victim)
  // The same length for any number of digits that it can come to.
  const word = (lost: number) => cutNote(shortName(victim.name), lost, total, whole)
  const others = kept.map((part) => (part === victim ? word(total) : part.text))
  const room = maxBytes - bytes(joined([...others, ...note])) - bytes(GAP)
  const start = beginning(victim.text, Math.max(0, room))
  const lost = total - bytes(start)
  const texts = kept.map((part) => (part === victim ? joined([start, word(lost)]) : part.text))
  const text = joined([...texts, ...note])
  return {
    // A bound that even the notes do not fit into: then as much as does.
    text: bytes(text) <= maxBytes ? text : beginning(text, maxBytes),
    leftOut,
    cut: { name: shortName(victim.name), bytes: lost },
  }
}

function cutNote(name: string, lost: number, total: number, whole: string): string {
  return `[${name} ends here for lack of room: ${lost} of its ${total} bytes are left out. They are in ${whole}: read that file.]`
}

function noteOf(leftOut: readonly string[], whole: string): string[] {
  if (leftOut.length === 0) return []
  const named = leftOut.slice(0, MAX_NAMED).map((name) => `"${name}"`)
  if (leftOut.length > MAX_NAMED) named.push(`${leftOut.length - MAX_NAMED} more`)
  return [`[Left out for lack of room: ${named.join(', ')}. All of it is in ${whole}: read that file.]`]
}

function shortName(name: string): string {
  return name.toWellFormed().replace(/\s+/g, ' ').slice(0, MAX_NAME).toWellFormed()
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(GAP)
}

/** As much of a text as fits, up to a line's end where one is near, never half a character. */
function beginning(text: string, maxBytes: number): string {
  const buffer = Buffer.from(text)
  if (buffer.length <= maxBytes) return text
  const line = buffer.lastIndexOf('\n', maxBytes)
  if (line > maxBytes / 2) return buffer.subarray(0, line).toString('utf8').trimEnd()
  let end = maxBytes
  // Back to the byte that begins a character: the others are 10xxxxxx.
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return buffer.subarray(0, end).toString('utf8')
}

function bytes(text: string): number {
  return Buffer.byteLength(text)
}
