import * as z from 'zod'
import { hostTool } from './host-tool.ts'
import type { Tool } from './tool.ts'

const sendToAgent = hostTool({
  name: 'send_to_agent',
  description: [
    'Asks another agent of the same owner to do something, by its name in list_agents. It knows nothing of your',
    'conversation: say all that it needs. It works by itself; its answer comes later as a message, after your turn.',
    'Ask several in one turn when their parts do not depend on each other: all answers come together.',
    'With new_conversation it begins with nothing but this message; else it goes on with what you two said before.',
  ].join(' '),
  args: z.strictObject({
    to: z.string().trim().min(1).max(31).describe('Its name in list_agents.'),
    message: z
      .string()
      .trim()
      .min(1)
      .max(16_000)
      .describe('What it is to do, as markdown, with all it needs.'),
    new_conversation: z
      .boolean()
      .default(false)
      .describe('For a task of its own, that has nothing to do with what you asked before.'),
  }),
  example:
    '{"to": "researcher", "message": "Which trains go from Bern to Basel on Sunday after 18:00? With sources."}',
  readOnly: false,
})

const listAgents = hostTool({
  name: 'list_agents',
  description:
    'Lists the agents that you may ask with send_to_agent, and what became of what you asked in this conversation, with the beginning of answers that are there.',
  args: z.strictObject({}),
  example: '{}',
  readOnly: true,
})

const cancelAgentRequest = hostTool({
  name: 'cancel_agent_request',
  description:
    'Stops what you asked of another agent in this conversation, by the number that send_to_agent gave it: nothing more comes of it.',
  args: z.strictObject({ request: z.number().int().positive().describe('Its number.') }),
  example: '{"request": 12}',
  readOnly: false,
})

/** Asking other agents; who may ask whom is the host's to decide. */
export const AGENT_TOOLS: readonly Tool[] = [sendToAgent, listAgents, cancelAgentRequest]
