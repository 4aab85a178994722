import * as z from 'zod'
import { hostAnswer } from './host-tool.ts'
import { defineTool } from './tool.ts'

export const sendCard = defineTool({
  name: 'send_card',
  description: [
    'Sends a card to the chat that this turn came from: a title, a text, lines of name and value, and buttons that open pages.',
    'For a result that people look at more than once, such as a booking, a status or a list of links. For a question use ask_user.',
  ].join(' '),
  args: z.strictObject({
    title: z.string().trim().min(1).max(200),
    text: z.string().max(4_000).default('').describe('Markdown, below the title.'),
    fields: z
      .array(z.strictObject({ name: z.string().min(1).max(100), value: z.string().min(1).max(500) }))
      .max(20)
      .default([])
      .describe('Lines of name and value.'),
    links: z
      .array(z.strictObject({ label: z.string().min(1).max(40), url: z.string().max(2_000) }))
      .max(5)
      .default([])
      .describe('Buttons; https addresses only.'),
  }),
  example:
    '{"title": "Your table", "fields": [{"name": "When", "value": "Fri 19:30"}], "links": [{"label": "Map", "url": "https://example.org/map"}]}',
  readOnly: false,
  run: async (card, { open }) => {
    const told = hostAnswer('send_card', await open.call('send_card', card))
    const lines = card.fields.map(({ name, value }) => `${name}: ${value}`)
    open.shown([card.title, card.text, ...lines].filter((line) => line !== '').join('\n'))
    return told
  },
})
