import * as z from 'zod'
import { hostAnswer } from './host-tool.ts'
import { defineTool } from './tool.ts'

export const addReaction = defineTool({
  name: 'add_reaction',
  description:
    'Answers the message that this turn is about with one emoji, in place of an earlier one of yours: for what needs no words, such as a thank-you. It is an answer by itself: write no other then.',
  args: z.strictObject({ emoji: z.string().min(1).max(20).describe('One emoji, such as 👍.') }),
  example: '{"emoji": "👍"}',
  readOnly: false,
  run: async ({ emoji }, { open }) => {
    const told = hostAnswer('add_reaction', await open.call('add_reaction', { emoji }))
    open.shown(`(reacted with ${emoji})`)
    return told
  },
})
