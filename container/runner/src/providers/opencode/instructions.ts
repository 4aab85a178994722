/** OpenCode has no limit of its own; this keeps one file from filling the model's context. In bytes of UTF-8. */
export const MAX_INSTRUCTION_BYTES = 128 * 1024

/**
 * The instructions within `limit` bytes. Longer ones lose their end, from a paragraph on where one is near, and say so
 * in the text, so that the agent can tell as well.
 */
export function boundedInstructions(
  text: string,
  limit = MAX_INSTRUCTION_BYTES,
): { text: string; cut: boolean } {
  const bytes = Buffer.byteLength(text)
  if (bytes <= limit) return { text, cut: false }
  const note = `\n\n(The instructions end here: they are ${bytes} bytes long, of which ${limit} are used.)\n`
  // A character that is cut in two becomes the replacement character.
  const head = Buffer.from(text)
    .subarray(0, Math.max(0, limit - Buffer.byteLength(note)))
    .toString('utf8')
    .replace(/\uFFFD$/, '')
  const paragraph = head.lastIndexOf('\n\n')
  return { text: (paragraph > head.length / 2 ? head.slice(0, paragraph) : head) + note, cut: true }
}
