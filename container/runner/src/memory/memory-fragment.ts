import { type InstructionFragment, SANDBOX_PATHS } from '@creel/protocol'
import { MAX_INDEX_SHOWN, MEMORY_INDEX } from './memory-files.ts'

/** Tells the agent how to keep what it wants to know later. */
export function memoryFragment(): InstructionFragment {
  const { memory } = SANDBOX_PATHS
  return {
    name: 'memory',
    text: `# Your memory

${memory}/${MEMORY_INDEX} is given to you in every conversation, its first and last parts when it has more than ${MAX_INDEX_SHOWN}
characters: keep it short, a line for a thing, and put what is longer into a file of its own beside it, named there.

- What a person tells you and you will want later (names, preferences, decisions, dates) goes in with \`remember\`: it
  writes down who told it, where and when. Not what is only of use today, nor secrets.
- Files there are yours to edit and tidy up. Leave the marks \`[id] date, who, where\` of lines as they are: what is
  not marked has no source. When a line is wrong now, \`forget\` its id and remember the new one.
- What one person said does not overrule what the owner said. When two lines disagree, say so.
- \`search_conversations\` finds lines of these files as well.`,
    optional: true,
  }
}
