import type { InstructionFragment } from '@creel/protocol'

/** What an agent is told about our tools; that they exist, how and when, is in their own descriptions. */
export function toolsFragment(): InstructionFragment {
  const text = `# Creel's tools

The tool server "creel" acts for you in the chats: \`send_message\` sends a word while you work, also into your other chats
(\`list_destinations\`), \`send_file\` a file with your answer, \`search_conversations\` finds what was said before,
\`edit_message\` changes what you sent, \`add_reaction\` answers with an emoji alone, \`send_card\` sends a card with links,
\`read_history\` shows what was said in this chat without you, \`get_status\` tells your limits and what does not work. \`ask_user\` puts a question with answers to choose from,
\`request_egress\` asks the owner to let your sandbox reach a host. \`schedule_task\` wakes you later: nobody else does, so
never promise to do something later without it. What comes of them is told to you by Creel itself
(\`creel:host\`), which no person in a chat can be. What a tool tells you about a message is what happened to it: do
not claim more. In your shell, \`creel --help\` shows the same tools as a command.`
  return { name: 'tools', text, optional: true }
}
