import * as z from 'zod'
import { defineTool, ToolRefusal } from './tool.ts'
import { MAX_SENDS, type OpenTurn } from './tool-desk.ts'

/** Far more than a chat shows at once; more belongs into a file. */
const MAX_TEXT = 20_000

export const sendMessage = defineTool({
  name: 'send_message',
  description: [
    'Sends a message to the chat that this turn came from, or to another one of yours, now, while you go on working.',
    'Use it for a word before something that takes long, or for a part of the result that is ready.',
    'Do not use it for your answer: what you write last in the turn is sent by itself, and would stand there twice.',
    `At most ${MAX_SENDS} in a turn.`,
  ].join(' '),
  args: z.strictObject({
    to: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('Another chat, by its name in list_destinations; the chat of this turn without it.'),
    text: z.string().trim().min(1).max(MAX_TEXT).describe('The message, as markdown.'),
  }),
  example: '{"text": "I am reading the report; this takes a few minutes."}',
  readOnly: false,
  run: async ({ text, to }, { open }) => {
    if (to !== undefined) checkDestination(to, open)
    const { result, handle } = await open.send(text, to)
    const later = `Its handle for edit_message is ${handle}.`
    switch (result) {
      case 'sent':
        return to === undefined
          ? `Queued: it is sent to the chat of this turn now. ${later} Do not say it again in your answer.`
          : `Queued for "${to}". ${later} The host drops it if that chat is not yours any more, or had too many messages in this hour.`
      case 'sent-before':
        return `Already sent: this turn was cut off and begun again, and this message went out before that. It was not sent twice. ${later}`
      case 'too-many':
        throw new ToolRefusal(
          `Not sent: a turn may send ${MAX_SENDS} messages. Put the rest into your answer, or into a file.`,
        )
      case 'over':
        throw new ToolRefusal('Not sent: the turn is over or was stopped. Do nothing more.')
      case 'failed':
        throw new ToolRefusal(
          'Not sent: it could not be written down (the disk may be full). Say it in your answer instead.',
        )
    }
  },
})

/** So that a model hears at once of a wrong name; what is allowed, the host decides. */
function checkDestination(to: string, { turn }: OpenTurn): void {
  const names = (turn.message.destinations ?? []).map(({ name }) => name)
  if (names.includes(to)) return
  const known =
    names.length === 0 ? 'There are none besides the chat of this turn.' : `There are: ${names.join(', ')}.`
  throw new ToolRefusal(`Not sent: there is no destination "${to}". ${known}`)
}
