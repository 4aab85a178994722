import * as z from 'zod'
import { type CallHandler, callHandler } from '../calls/call-handler.ts'
import type { Agents } from './agents.ts'

/** Longest message of one agent to another, in UTF-16 units. */
const MAX_MESSAGE = 16_000

/** What tools may ask for about other agents, by the tool's name. */
export function agentCalls(agents: Pick<Agents, 'ask' | 'list' | 'cancel'>): [string, CallHandler][] {
  const Ask = z.strictObject({
    to: z.string().max(100),
    message: z.string().trim().min(1).max(MAX_MESSAGE),
    new_conversation: z.boolean(),
  })
  return [
    [
      'send_to_agent',
      callHandler(Ask, ({ to, message, new_conversation: fresh }, origin) => {
        const { id } = agents.ask(origin, { to, message, fresh })
        return `Sent to ${to} as request ${id}. Its answer comes into this conversation as a message, after your turn: when all that you ask of agents in this turn is answered. Do what you can without it, then say what you wait for and end your turn; do not ask again.`
      }),
    ],
    ['list_agents', callHandler(z.strictObject({}), (_args, origin) => agents.list(origin))],
    [
      'cancel_agent_request',
      callHandler(z.strictObject({ request: z.number().int().positive() }), ({ request }, origin) => {
        agents.cancel(origin, request)
        return `Request ${request} is stopped, with all that its agent asked of others for it.`
      }),
    ],
  ]
}
