import * as z from 'zod'
import { askResult } from './ask-result.ts'
import { defineTool } from './tool.ts'

export const createAgent = defineTool({
  name: 'create_agent',
  description: [
    'Asks the owner for a new agent of its own, which you can then ask with send_to_agent; they see all that you give here.',
    'Use it for work that comes again and needs instructions or a memory of its own; for a single task ask one that there is.',
    'It returns at once; the decision comes later, as a message of Creel.',
  ].join(' '),
  args: z.strictObject({
    name: z.string().trim().min(1).max(31).describe('a-z, 0-9 and -, beginning with a letter.'),
    about: z.string().trim().min(1).max(200).describe('What it is good for, in one sentence.'),
    instructions: z
      .string()
      .trim()
      .min(1)
      .max(3_000)
      .describe('Who it is and how it works, as markdown; lines of at most 400 characters.'),
  }),
  example:
    '{"name": "librarian", "about": "keeps the list of books", "instructions": "# Who you are\\n\\nYou keep the list of books in workspace/books.md."}',
  readOnly: false,
  run: async ({ name, about, instructions }, { open }) => {
    const result = await open.ask({ kind: 'agent', name, about, instructions })
    return askResult(result, `The owner is asked for a new agent ${name}.`)
  },
})
