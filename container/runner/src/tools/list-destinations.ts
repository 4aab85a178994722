import * as z from 'zod'
import { defineTool } from './tool.ts'

export const listDestinations = defineTool({
  name: 'list_destinations',
  description:
    'Lists the other chats that send_message may write to by its argument "to": those that you are also the agent of.',
  args: z.strictObject({}),
  example: '{}',
  readOnly: true,
  run: (_args, { open }) => {
    const destinations = open.turn.message.destinations ?? []
    return destinations.length === 0
      ? 'There are none: you are the agent of this chat alone.'
      : JSON.stringify(destinations, null, 2)
  },
})
