import * as z from 'zod'
import type { Clock } from '../clock.ts'
import { type EventLog, errorText } from '../log.ts'
import { MAX_ENTRY_TEXT } from '../memory/memory-entry.ts'
import { MemoryRefusal } from '../memory/memory-files.ts'
import { forgetInIndex } from '../search/memory-search.ts'
import { defineTool, type Tool, type ToolCall, ToolRefusal } from './tool.ts'

/** Notes that one turn may make: more is a flood, or belongs into a file. */
const MAX_NOTES = 20

export const remember = defineTool({
  name: 'remember',
  description: [
    'Writes one line into your memory, which later conversations are given, with who spoke, in which chat and when.',
    'For what somebody told you and you will want to know again; one fact for each call, in words that stand by themselves.',
  ].join(' '),
  args: z.strictObject({
    text: z.string().trim().min(1).max(MAX_ENTRY_TEXT).describe('What to remember, on one line.'),
    topic: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,39}$/)
      .refine((topic) => topic !== 'index' && topic !== 'conversations', 'choose another name')
      .optional()
      .describe('A page of its own for it, such as "garden": read when needed; the index without it.'),
  }),
  example: '{"text": "Ann is allergic to peanuts."}',
  readOnly: false,
  run: ({ text, topic }, { open, memory }) => {
    if (open.notes.made >= MAX_NOTES)
      throw new ToolRefusal(`Not noted: a turn may note ${MAX_NOTES} lines. Put the rest into a file.`)
    open.notes.made += 1
    return mended(() => {
      const { id, added } = memory.remember(text, topic, open.source())
      return added ? `Noted as [${id}].` : `Known already, as [${id}].`
    })
  },
})

/** Takes a line out of the memory, and out of the index over it. */
export function forgetTool(clock: Clock, log: EventLog): Tool {
  return defineTool({
    name: 'forget',
    description:
      'Takes a line that was noted with remember out of your memory, by its id. What another person told, only an owner or an admin can have forgotten.',
    args: z.strictObject({
      id: z
        .string()
        .regex(/^\[?[0-9a-f]{8}\]?$/)
        .describe('As in the line: [3f9ac1d2].'),
    }),
    example: '{"id": "3f9ac1d2"}',
    readOnly: false,
    run: async ({ id: typed }, { open, memory, folders }) => {
      const told = mended(() => {
        const id = typed.replace(/[[\]]/g, '')
        const found = memory.find(id)
        if (!found) throw new ToolRefusal(`There is no line [${id}].`)
        checkRight(found.entry.from, open)
        memory.forget(id)
        return `Forgotten: [${id}], it stood in ${found.path}.`
      })
      await forgetInIndex({ memoryDir: folders.memory, homeDir: folders.home, clock, log })
      return told
    },
  })
}

/** The agent could change its files anyway: this is so that an honest one does not do it for whoever asks. */
function checkRight(from: string, open: ToolCall['open']): void {
  const { message } = open.turn
  if (message.from.id === from || message.role === 'owner' || message.role === 'admin') return
  throw new ToolRefusal(
    `Not forgotten: ${from} told you this, and ${message.from.id}, who speaks now, is neither them nor an owner or admin. Say so, and leave the line.`,
  )
}

function mended(work: () => string): string {
  try {
    return work()
  } catch (error) {
    if (error instanceof ToolRefusal) throw error
    if (error instanceof MemoryRefusal) throw new ToolRefusal(`Not done: ${error.message}.`, { cause: error })
    throw new ToolRefusal(`Not done: your memory cannot be written (${errorText(error)}).`, { cause: error })
  }
}
