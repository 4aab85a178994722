import { SANDBOX_PATHS } from '@creel/protocol'
import * as z from 'zod'
import type { Clock } from '../clock.ts'
import { fold, searchConversations } from './conversation-search.ts'
import { defineTool, type Tool, ToolRefusal } from './tool.ts'

const MAX_WORDS = 10

/** The search over our transcripts, as a tool. */
export function searchTool(clock: Clock): Tool {
  return defineTool({
    name: 'search_conversations',
    description: [
      'Searches your memory files, and what was said in all your conversations, older ones and those in other chats too:',
      'lines that contain all the words, in any order and case, your files first, then newest first, with who said it and when.',
      `Read the file in ${SANDBOX_PATHS.memory} for what stands around a line.`,
    ].join(' '),
    args: z.strictObject({
      query: z.string().trim().min(1).max(200).describe('Words that must all be in the line. No patterns.'),
      within: z
        .enum(['all', 'conversations', 'notes'])
        .default('all')
        .describe('Only what was said, or only your own files.'),
      limit: z.int().min(1).max(50).default(10).describe('Lines to return.'),
    }),
    example: '{"query": "dentist appointment", "limit": 10}',
    readOnly: true,
    run: async ({ query, within, limit }, { folders }) => {
      const words = fold(query)
        .split(/\s+/)
        .filter((word) => word !== '')
      if (words.length > MAX_WORDS)
        throw new ToolRefusal(`query: at most ${MAX_WORDS} words; take the rarest ones`)
      const { found, files, leftOut } = await searchConversations(
        folders.memory,
        { words, limit, within },
        clock,
      )
      const lines = found.map(
        ({ file, line, said, text }) =>
          `${SANDBOX_PATHS.memory}/${file}:${line} ${said ?? '(nobody named)'}\n  ${text}`,
      )
      if (found.length === 0)
        lines.push(
          `Nothing found in ${files} files. Try fewer or other words; only whole parts of words are compared.`,
        )
      if (leftOut.length > 0) lines.push(`Not searched: ${leftOut.join('; ')}.`)
      return lines.join('\n')
    },
  })
}
