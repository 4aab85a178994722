import { z } from 'zod'
import type { Choice } from './ports/channel.ts'

/** Begins the stored form of a message with choices; `fileFreeText` keeps it out of every text. */
const MARK = '\u001echoices:'

const Part = z.object({
  text: z.string(),
  choices: z.array(z.object({ label: z.string(), say: z.string() })),
})

/** A text with choices as one delivery part, on a channel whose other parts are plain markdown. */
export function choicePart(text: string, choices: readonly Choice[]): string {
  return MARK + JSON.stringify({ text, choices })
}

/** The text and choices of such a part; null for any other. Throws when it begins like one and is none. */
export function readChoicePart(part: string): z.infer<typeof Part> | null {
  return part.startsWith(MARK) ? Part.parse(JSON.parse(part.slice(MARK.length))) : null
}

/** The same for a channel without buttons: each choice with what to type for it. */
export function choicesInWords(text: string, choices: readonly Choice[]): string {
  const lines = choices.map(({ label, say }, index) => `${index + 1}. ${label}: \`${say}\``)
  return [text, '', ...lines].join('\n')
}
