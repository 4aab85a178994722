// Composition root, the part about what tools in sandboxes ask of the host.
import { agentCalls } from './agents/agent-calls.ts'
import type { Agents } from './agents/agents.ts'
import { addReaction } from './calls/add-reaction.ts'
import type { CallHandlers } from './calls/call-handler.ts'
import { Calls, type CallsPorts } from './calls/calls.ts'
import type { ChatPorts } from './calls/chat-ports.ts'
import { editMessage } from './calls/edit-message.ts'
import { proposeSkill } from './calls/propose-skill.ts'
import { readHistory } from './calls/read-history.ts'
import { sendCard } from './calls/send-card.ts'
import type { Core } from './core.ts'
import type { GroupName } from './domain/ids.ts'
import type { FileStore } from './domain/ports/files.ts'
import type { PumpOptions } from './pump.ts'
import { taskHandlers } from './task-parts.ts'

/** Between a tool's call and its answer. To be started and stopped. */
export function callParts(
  core: Core,
  {
    agents,
    files,
    ...ports
  }: Pick<CallsPorts, 'mailbox' | 'events' | 'nudge'> &
    Pick<ChatPorts, 'channelOf' | 'nudgeDelivery'> & { readonly agents: Agents; readonly files: FileStore },
  pump: Pick<PumpOptions<GroupName>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
): Calls {
  const { hostCalls: calls, dispatches, directory, deliveries, messages, clock } = core
  const chat: ChatPorts = { ...ports, directory, deliveries, messages, clock }
  return new Calls(
    { ...ports, calls, dispatches, directory, handlers: callHandlers(core, chat, { agents, files }) },
    pump,
  )
}

/** What tools may ask for, by the tool's name. A new one: its handler in `src/calls/`, a line here, its tool in the runner. */
function callHandlers(
  core: Core,
  chat: ChatPorts,
  { agents, files }: { readonly agents: Agents; readonly files: FileStore },
): CallHandlers {
  const { skillDrafts: drafts, approvals } = core
  return new Map([
    ...agentCalls(agents),
    ...taskHandlers(core),
    ['edit_message', editMessage(chat)],
    ['add_reaction', addReaction(chat)],
    ['send_card', sendCard(chat)],
    ['read_history', readHistory(chat)],
    ['propose_skill', proposeSkill({ drafts, files, approvals })],
  ])
}
