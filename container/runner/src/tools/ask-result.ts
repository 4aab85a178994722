import { ToolRefusal } from './tool.ts'
import { type AskResult, MAX_ASKS } from './tool-desk.ts'

/** What the model is told of an ask; throws ToolRefusal where nothing was asked. */
export function askResult(result: AskResult, asked: string): string {
  switch (result) {
    case 'sent':
      return `${asked} The answer comes into this conversation as a message of Creel, whenever it is there. Do what you can do without it, or say what you wait for and end your turn; do not poll, and do not ask again.`
    case 'sent-before':
      return 'Already asked: this turn was cut off and begun again, and this went out before that. It was not asked twice.'
    case 'too-many':
      throw new ToolRefusal(
        `Not asked: a turn may ask ${MAX_ASKS} times. End your turn and wait for the answers.`,
      )
    case 'over':
      throw new ToolRefusal('Not asked: the turn is over or was stopped. Do nothing more.')
    case 'failed':
      throw new ToolRefusal(
        'Not asked: it could not be written down (the disk may be full). Say so in your answer.',
      )
  }
}
