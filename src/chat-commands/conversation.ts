import { type ChatCommandPorts, type CommandCall, isAdmin, settingsOf } from './command.ts'

const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,99}$/
const EFFORTS = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

/** `/new`: the runner knows the conversation by another name from now on. */
export function beginAnew(call: CommandCall, { choices, dispatches }: ChatCommandPorts): string {
  if (call.shared && !isAdmin(call.roles)) {
    return 'All chats of this agent share one conversation: only its owner or an admin can begin a new one.'
  }
  choices.beginAnew(call.group, call.session, call.message.id)
  const { runningSince, waiting } = dispatches.activity(call.group, call.message.chatId)
  const busy = runningSince !== null || waiting > 0
  const rest = busy ? ' What is under way goes on in the old one; `/stop` ends it.' : ''
  return `A new conversation begins with your next message.${rest}`
}

/** `/model` and `/effort`: shows, chooses, or goes back to the agent's own. */
export function choose(what: 'model' | 'effort', call: CommandCall, ports: ChatCommandPorts): string {
  const { group, session, args } = call
  const own = settingsOf(group, ports.groups)?.[what] ?? "the runtime's own choice"
  if (args === '') {
    const chosen = ports.choices.of(group, session)[what]
    if (chosen === null) return `The ${what} is the agent's: ${own}. \`/${what} …\` chooses another for here.`
    return `The ${what} chosen here is ${chosen}. \`/${what} default\` goes back to the agent's: ${own}.`
  }
  if (args === 'default') {
    ports.choices.choose(group, session, what, null)
    return `The ${what} is the agent's again: ${own}.`
  }
  const problem = what === 'model' ? wrongModel(args) : wrongEffort(args)
  if (problem !== null) return problem
  ports.choices.choose(group, session, what, args)
  return `The ${what} of this conversation is ${args} from the next message on.`
}

function wrongModel(name: string): string | null {
  return MODEL.test(name) ? null : 'Model: expected a name such as claude-opus-4-5, or default.'
}

function wrongEffort(level: string): string | null {
  if (EFFORTS.some((known) => known === level)) return null
  return `Effort: expected ${EFFORTS.join(', ')} or default.`
}
