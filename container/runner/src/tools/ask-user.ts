import * as z from 'zod'
import { askResult } from './ask-result.ts'
import { defineTool, ToolRefusal } from './tool.ts'

const HOUR_MIN = 60
const WEEK_MIN = 7 * 24 * 60

export const askUser = defineTool({
  name: 'ask_user',
  description: [
    'Asks the people of this chat a question with answers to choose from, as buttons where the chat has them.',
    'Use it when you cannot go on without a decision of theirs; for anything else just write.',
    'It returns at once; the answer, or that nobody answered in time, comes later as a message of Creel.',
  ].join(' '),
  args: z.strictObject({
    question: z.string().trim().min(1).max(2_000).describe('The question, as markdown.'),
    options: z
      .array(z.string().trim().min(1).max(60))
      .max(8)
      .default([])
      .describe('Up to 8 short answers. Without any, free_text must be true.'),
    free_text: z.boolean().default(false).describe('Whether they may answer in their own words instead.'),
    only_speaker: z
      .boolean()
      .default(false)
      .describe(
        'Whether only the person whose message you work on may answer; else anybody you listen to here.',
      ),
    timeout_minutes: z
      .number()
      .int()
      .min(1)
      .max(WEEK_MIN)
      .default(HOUR_MIN)
      .describe('You are told when nobody has answered by then. An hour by default, a week at most.'),
  }),
  example: '{"question": "Which one shall I book?", "options": ["The 9:15", "The 11:40"]}',
  readOnly: false,
  run: async ({ question, options, free_text, only_speaker, timeout_minutes }, { open }) => {
    if (options.length === 0 && !free_text)
      throw new ToolRefusal('Not asked: give options to choose from, or set free_text to true.')
    if (new Set(options).size < options.length) throw new ToolRefusal('Not asked: two options are the same.')
    const result = await open.ask({
      kind: 'question',
      text: question,
      options,
      freeText: free_text,
      onlySpeaker: only_speaker,
      timeoutS: timeout_minutes * 60,
    })
    return askResult(result, 'The question is put into the chat: do not say it again.')
  },
})
