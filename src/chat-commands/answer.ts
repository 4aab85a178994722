import type { Notices } from '../delivery/notices.ts'
import type { DispatchPlan, InboundRow } from '../domain/ports/stores.ts'
import { type BindingFacts, isLetIn, sessionOf } from '../routing/router.ts'
import {
  type ChatCommand,
  type ChatCommandPorts,
  type CommandCall,
  type CommandOutcome,
  isAdmin,
} from './command.ts'
import { CHAT_COMMANDS } from './table.ts'
import { typedCommand } from './typed-command.ts'

export type AnswerPorts = ChatCommandPorts & { readonly notices: Pick<Notices, 'toChat'> }

/**
 * Carries out a command of somebody who is let in, for each group that listens to them here, and answers. Returns
 * what goes on to the runtime (mostly nothing), or null when the message is an ordinary one. Idempotent.
 */
export function answerCommand(
  message: InboundRow,
  bindings: readonly BindingFacts[],
  ports: AnswerPorts,
): readonly DispatchPlan[] | null {
  const typed = typedCommand(message)
  const command = typed && CHAT_COMMANDS.find(({ name }) => name === typed.name)
  // With words behind it that it does not take, it is a sentence: "/stop it, please".
  if (!typed || !command || (typed.args !== '' && command.args === undefined)) return null
  const listening = bindings.filter((facts) => isLetIn(facts) && !isStrangeBot(message, facts))
  if (listening.length === 0) return null
  const plans: DispatchPlan[] = []
  const answers = new Map<string, string[]>()
  for (const { binding, roles } of listening) {
    const session = sessionOf(message, binding)
    const shared = binding.session === 'group'
    const outcome = run(
      command,
      { message, args: typed.args, group: binding.group, session, shared, roles },
      ports,
    )
    if ('forward' in outcome) plans.push({ group: binding.group, session, command: outcome.forward })
    else answers.set(outcome.answer, [...(answers.get(outcome.answer) ?? []), binding.group])
  }
  const text = answerText(answers, listening.length)
  if (text !== '') ports.notices.toChat(message.chatId, message.address.thread, text, `command:${message.id}`)
  return plans
}

function run(command: ChatCommand, call: CommandCall, ports: ChatCommandPorts): CommandOutcome {
  if (command.who === 'admin' && !isAdmin(call.roles)) {
    return { answer: `Only an owner or an admin of this agent can use /${command.name}.` }
  }
  return command.run(call, ports)
}

/** A bot is heard only when it was given a role. */
function isStrangeBot(message: InboundRow, { roles }: BindingFacts): boolean {
  return message.senderIsBot && roles.length === 0
}

/** With several agents in a chat, each answer says whose it is, unless all say the same. */
function answerText(answers: ReadonlyMap<string, readonly string[]>, agents: number): string {
  const parts = [...answers].map(([answer, groups]) =>
    groups.length === agents ? answer : `${groups.join(', ')}:\n\n${answer}`,
  )
  return parts.join('\n\n')
}
