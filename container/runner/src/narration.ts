const MAX_LENGTH = 280

/**
 * Whether a text that a model wrote before a tool call only says what it is about to do ("Let me look at the log.").
 * A chat shows that while it happens and sends the answer alone; anything longer or structured may be part of the
 * answer ("Here is the plan: …" and then a note taken) and is sent as well.
 */
export function isNarration(text: string): boolean {
  return text.length <= MAX_LENGTH && !text.trim().includes('\n') && !text.includes('```')
}
