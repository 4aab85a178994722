import { type InstructionFragment, SANDBOX_PATHS } from '@creel/protocol'
import { CONVERSATIONS } from './transcript.ts'

/** Tells the agent that it can look up what was said. */
export function conversationsFragment(): InstructionFragment {
  const folder = `${SANDBOX_PATHS.memory}/${CONVERSATIONS}`
  return {
    name: 'conversations',
    text: `# What was said before

Everything that was said in your chats is written down in ${folder}: a folder for each chat, a markdown file for each
day (UTC). When somebody speaks of something that you do not remember, search there before you say so, for example with
\`grep -rniF 'words' ${folder}\`. Creel writes these files: leave them as they are.`,
    optional: true,
  }
}
