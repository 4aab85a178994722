import type { Attachment } from '../domain/ports/files.ts'
import { cleanText, hasVisible } from '../markdown/clean-text.ts'

/** What a long recording comes to; more is cut off, with a word about it. */
const MAX_WORDS = 20_000
/** More than that is not looked at: a program may have gone mad. */
const MAX_READ = 200_000

/**
 * What a program or service gave as words, on one line: no control characters, and no line of its own by which it could
 * pass for another part of the message. Null when nothing is in it that a person would see. Pure; bounded in time.
 */
export function spokenText(given: string): string | null {
  const text = cleanText(given.slice(0, MAX_READ)).replace(/\s+/gu, ' ').trim()
  if (!hasVisible(text)) return null
  if (text.length <= MAX_WORDS && given.length <= MAX_READ) return text
  return `${cleanText(text.slice(0, MAX_WORDS))} [cut off here: the transcription had ${given.length} characters]`
}

/** What the agent reads of its message's voice files; nothing for those whose words nobody wanted. */
export function voiceLines(files: readonly Attachment[]): string[] {
  const voices = files.filter(({ words }) => words !== null)
  return voices.map(({ words, name }) => {
    const which = voices.length === 1 ? 'voice message' : `voice message "${name}"`
    return words !== null && 'said' in words
      ? `${which}, transcribed: ${words.said}`
      : `[${which} could not be transcribed: ${words?.reason ?? 'unknown'}. Only its file is there.]`
  })
}
