import type { ServerEvent } from './wire.ts'

/**
 * The messages of an earlier try of the same prompt, to be taken out before it is sent again: the prompt itself and
 * what was begun as an answer. None when the last prompt of the history is another one, was answered, or has led to
 * the use of a tool, which the model must not forget.
 */
export function earlierTry(history: readonly ServerEvent[], prompt: string): string[] {
  const at = history.findLastIndex(({ type }) => type === 'user-message')
  const asked = history[at]
  if (asked?.type !== 'user-message') return []
  let text = ''
  const ids = new Set([asked.id])
  for (const event of history.slice(at + 1)) {
    if (event.type === 'part' && event.part.kind === 'tool') return []
    if (event.type === 'part' && event.part.message === asked.id && event.part.kind === 'text')
      text += event.part.text
    if (event.type !== 'assistant-message') continue
    if (event.message.finish !== undefined) return []
    ids.add(event.message.id)
  }
  return text === prompt ? [...ids] : []
}
