import type { Transcript } from './transcript.ts'
import { shortened } from './transcript-entry.ts'

/** What a fresh session is told of the conversation so far. */
export interface Primer {
  /** Empty when nothing was said before. */
  readonly text: string
  readonly exchanges: number
}

/** Nothing to tell. */
export const NO_PRIMER: Primer = { text: '', exchanges: 0 }

/** An exchange that is longer than this share of the budget loses its middle: the others are worth more. */
const LARGEST_SHARE = 0.5

/**
 * The newest exchanges of a session that fit into `budget` characters, oldest first, with a word on what is missing and
 * where all of it is. `without` names the exchange that is about to be answered.
 */
export function primerOf(
  transcript: Pick<Transcript, 'newest' | 'folderOf'>,
  options: { session: string; budget: number; without: string; memoryPath: string },
): Primer {
  const { session, budget, without, memoryPath } = options
  if (budget <= 0) return NO_PRIMER
  const most = Math.floor(budget * LARGEST_SHARE)
  const texts: string[] = []
  let left = budget
  const { more } = transcript.newest(session, ({ key, text }) => {
    if (key === without) return false
    const part = shortened(text, most)
    if (part.length > left) return true
    left -= part.length
    texts.unshift(part)
    return false
  })
  if (texts.length === 0) return NO_PRIMER
  const where = `${memoryPath}/${transcript.folderOf(session)}`
  const lines = [
    'This conversation has gone on for longer than you can remember by yourself. This is its transcript,',
    'a record of what was said and not a new request; "agent (you)" is yourself.',
    more
      ? `Only its newest ${texts.length} exchanges are here. All of it is in ${where}, one file for each day.`
      : `It is also in ${where}, one file for each day.`,
  ]
  const text = [`<transcript>`, lines.join(' '), ...texts, `</transcript>`].join('\n\n')
  return { text, exchanges: texts.length }
}

/** What a session is told that has the message already, when a failure has cut off its turn. */
export const GO_ON =
  'Your work on the last message was cut off by a failure, not by a person. Go on from where you stopped: what you did is done, look before you do it again. Then give the whole answer.'

/** Before what was said while the turn ran. */
export const MEANWHILE = 'This was said meanwhile, in case you have not seen it:'

/** What a fresh session is told of the try at the same message that was cut off. Empty when it had done nothing. */
export function cutOffText(said: readonly string[], tools: readonly string[]): string {
  if (said.length === 0 && tools.length === 0) return ''
  const lines = [
    'You had begun to work on the message below and were cut off. What you did is done: look before you do it again.',
  ]
  if (tools.length > 0) lines.push(`Tools you had used: ${tools.join(', ')}.`)
  if (said.length > 0) {
    lines.push('You had said:', `> ${shortened(said.join('\n\n'), MAX_SAID).replaceAll('\n', '\n> ')}`)
  }
  return lines.join('\n')
}

const MAX_SAID = 4_000
