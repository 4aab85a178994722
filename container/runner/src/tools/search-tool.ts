import { SANDBOX_PATHS } from '@creel/protocol'
import * as z from 'zod'
import type { Clock } from '../clock.ts'
import type { EventLog } from '../log.ts'
import { searchMemory } from '../search/memory-search.ts'
import { defineTool, type Tool, ToolRefusal } from './tool.ts'

const MAX_WORDS = 10

/** The search over memory and transcripts, as a tool. */
export function searchTool(clock: Clock, log: EventLog): Tool {
  return defineTool({
    name: 'search_conversations',
    description: [
      'Searches your memory files, and what was said in all your conversations, older ones and those in other chats too:',
      'what holds all the words, in any order, case and accent, the best first, with who said it and when.',
      `Read the file in ${SANDBOX_PATHS.memory} for what stands around a line.`,
    ].join(' '),
    args: z.strictObject({
      query: z
        .string()
        .trim()
        .min(1)
        .max(200)
        .describe('A few words, the rarest ones; beginnings and parts of words count. No patterns.'),
      within: z
        .enum(['all', 'conversations', 'notes'])
        .default('all')
        .describe('Only what was said, or only your own files.'),
      limit: z.int().min(1).max(50).default(10).describe('How many to return.'),
    }),
    example: '{"query": "dentist appointment", "limit": 10}',
    readOnly: true,
    run: async ({ query, within, limit }, { folders }) => {
      if (query.split(/\s+/).length > MAX_WORDS)
        throw new ToolRefusal(`query: at most ${MAX_WORDS} words; take the rarest ones`)
      const { found, files, some, leftOut } = await searchMemory(
        { text: query, limit, within },
        { memoryDir: folders.memory, homeDir: folders.home, clock, log },
      )
      const lines = found.map(
        ({ file, line, said, text }) =>
          `${SANDBOX_PATHS.memory}/${file}:${line} ${said ?? '(nobody named)'}\n  ${text}`,
      )
      if (found.length === 0) lines.push(`Nothing found in ${files} files. Try fewer or other words.`)
      else if (some) lines.unshift('Nothing holds all the words; this holds some of them:')
      if (leftOut.length > 0) lines.push(`Not searched: ${leftOut.join('; ')}.`)
      return lines.join('\n')
    },
  })
}
