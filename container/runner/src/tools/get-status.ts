import * as z from 'zod'
import { defineTool } from './tool.ts'

export const getStatus = defineTool({
  name: 'get_status',
  description:
    'Tells who and where you are: group, provider, model, this conversation, your limits and how much of them is left, and which of your tool servers do not work.',
  args: z.strictObject({}),
  example: '{}',
  readOnly: true,
  run: (_args, { open, desk }) => {
    const { group, provider, model, effort, turnTimeoutMs, concurrency, mcpServers } = desk.settings
    const { message, input } = open.turn
    const status = {
      group,
      provider,
      model: input.model ?? model ?? `chosen by ${provider}`,
      effort: input.effort ?? effort ?? `chosen by ${provider}`,
      session: input.session,
      chat: message.chat,
      answering: { id: message.from.id, name: message.from.name, at: new Date(message.at).toISOString() },
      turn: {
        begun_at: new Date(open.begunAt).toISOString(),
        ends_at_the_latest: new Date(open.begunAt + turnTimeoutMs).toISOString(),
        ...(input.attempt > 1 ? { attempt: input.attempt } : {}),
      },
      limits: { messages_left: open.sendsLeft, turns_at_once: concurrency },
      tool_servers: Object.fromEntries(
        Object.keys(mcpServers).map((name) => [name, desk.down.has(name) ? 'not working' : 'working']),
      ),
    }
    return JSON.stringify(status, null, 2)
  },
})
