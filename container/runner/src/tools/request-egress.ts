import * as z from 'zod'
import { askResult } from './ask-result.ts'
import { defineTool, ToolRefusal } from './tool.ts'

const USUAL_PORT = 443
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*|[0-9a-f:.]+)$/i

export const requestEgress = defineTool({
  name: 'request_egress',
  description: [
    'Asks the owner to let your sandbox reach one host on the network: once, always, or not at all; they decide.',
    'Use it when a connection was denied and the work cannot be done without it. One exact host for each call.',
    'It returns at once; the decision comes later, as a message of Creel. A denial is final.',
  ].join(' '),
  args: z.strictObject({
    host: z
      .string()
      .trim()
      .min(1)
      .max(253)
      .describe('The exact name, such as api.example.com: without a scheme, a path or *.'),
    port: z
      .number()
      .int()
      .min(1)
      .max(65_535)
      .default(USUAL_PORT)
      .describe('443 unless the service has another.'),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .describe('One plain sentence that the owner reads: what for, and what is sent there.'),
  }),
  example:
    '{"host": "api.example.com", "reason": "Tomorrow\'s weather comes from there; only the place is sent."}',
  readOnly: false,
  run: async ({ host, port, reason }, { open }) => {
    if (!HOST.test(host))
      throw new ToolRefusal(
        `Not asked: ${JSON.stringify(host)} is no host. Give the exact name alone, such as api.example.com.`,
      )
    const result = await open.ask({ kind: 'egress', host, port, reason })
    return askResult(result, `The owner is asked to let you reach ${host}:${port}.`)
  },
})
