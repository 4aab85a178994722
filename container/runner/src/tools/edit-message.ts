import * as z from 'zod'
import { hostTool } from './host-tool.ts'

export const editMessage = hostTool({
  name: 'edit_message',
  description:
    'Puts another text in the place of a message that you sent earlier, for example to bring a status up to date. People are not notified of it. Buttons of a card go with its old text. Only texts that are one message; some chats cannot do it, which you are told.',
  args: z.strictObject({
    message: z.string().min(2).max(130).describe('Its handle, as a tool gave it: "d12" or "m7.…".'),
    text: z.string().trim().min(1).max(20_000).describe('The whole new text, as markdown.'),
  }),
  example: '{"message": "d12", "text": "Downloaded: 40 of 40."}',
  readOnly: false,
})
