/** Codex cuts instructions at this size, silently; written into its settings, and kept to by ourselves before it can. */
export const MAX_INSTRUCTIONS_BYTES = 64 * 1024

const NOTE_BYTES = 1_000

export interface FittedInstructions {
  readonly text: string
  readonly leftOutBytes: number
}

/**
 * Instructions that fit: cut at the end of a line, with a note that says how much is missing and where the whole text
 * is. Pure.
 */
export function fitInstructions(text: string, fullPath: string): FittedInstructions {
  const bytes = Buffer.from(text.trim())
  if (bytes.length <= MAX_INSTRUCTIONS_BYTES) return { text: text.trim(), leftOutBytes: 0 }
  const room = MAX_INSTRUCTIONS_BYTES - NOTE_BYTES
  const newline = bytes.lastIndexOf('\n', room)
  // One line longer than all the room: cut between two characters.
  const kept = newline > 0 ? bytes.subarray(0, newline) : wholeCharacters(bytes.subarray(0, room))
  const leftOutBytes = bytes.length - kept.length
  const note = `[${leftOutBytes} bytes of these instructions do not fit and are left out here. All of them are in ${fullPath}: read that file.]`
  return { text: `${kept.toString('utf8')}\n\n${note}`, leftOutBytes }
}

function wholeCharacters(bytes: Buffer): Buffer {
  let end = bytes.length
  // Back over continuation bytes (10xxxxxx) and the byte that leads them: that character may be incomplete.
  while (end > 0 && ((bytes[end - 1] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, Math.max(0, end - 1))
}
