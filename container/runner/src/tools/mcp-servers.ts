import * as z from 'zod'
import { askResult } from './ask-result.ts'
import { defineTool, type Tool, ToolRefusal } from './tool.ts'

const Name = z
  .string()
  .trim()
  .min(1)
  .max(30)
  .describe('a-z, 0-9, _ and -, beginning with a letter; its tools get this name in front.')
const Reason = z
  .string()
  .trim()
  .min(1)
  .max(300)
  .describe('One plain sentence that the owner reads: what you need it for.')

const addMcpServer = defineTool({
  name: 'add_mcp_server',
  description: [
    'Asks the owner for an MCP tool server of your own: a command that is started inside your sandbox, or the address of one',
    'elsewhere, which is reached through the gateway. They see all that you give here. Try the command in your shell first:',
    'it has to be there, speak MCP on stdin and stdout, and need nothing that your sandbox does not have.',
    'It returns at once; the decision comes later, as a message of Creel, and with it you have its tools.',
  ].join(' '),
  args: z.strictObject({
    name: Name,
    command: z.string().min(1).max(400).optional().describe('The program, such as node; or give url.'),
    args: z.array(z.string().max(400)).max(30).default([]).describe('Its arguments, one each.'),
    env: z
      .record(z.string(), z.string().max(400))
      .default({})
      .describe('Variables for it. Never a secret: the gateway adds those to requests.'),
    url: z
      .string()
      .max(400)
      .optional()
      .describe('The address of a server that speaks MCP over HTTP, such as https://mcp.example.com/mcp.'),
    reason: Reason,
  }),
  example:
    '{"name": "tides", "command": "node", "args": ["/workspace/tides/server.mjs"], "reason": "To look up tides for the harbour."}',
  readOnly: false,
  run: async ({ name, command, args, env, url, reason }, { open }) => {
    if ((command === undefined) === (url === undefined))
      throw new ToolRefusal('Not asked: give either command (with args and env) or url, one of the two.')
    if (url !== undefined && (args.length > 0 || Object.keys(env).length > 0))
      throw new ToolRefusal('Not asked: args and env are for a command; a server at a url has neither.')
    const server = url === undefined ? { command: command ?? '', args, env } : { url }
    const result = await open.ask({ kind: 'mcp_server', name, server, reason })
    return askResult(result, `The owner is asked for the tool server ${name}.`)
  },
})

const removeMcpServer = defineTool({
  name: 'remove_mcp_server',
  description: [
    'Asks the owner to take away a tool server that was added for you (add_mcp_server), not one of container.json.',
    'It returns at once; the decision comes later, as a message of Creel.',
  ].join(' '),
  args: z.strictObject({ name: Name, reason: Reason }),
  example: '{"name": "tides", "reason": "The harbour has a page of its own now."}',
  readOnly: false,
  run: async ({ name, reason }, { open }) => {
    const result = await open.ask({ kind: 'mcp_server', name, reason })
    return askResult(result, `The owner is asked to take the tool server ${name} away.`)
  },
})

export const SERVER_TOOLS: readonly Tool[] = [addMcpServer, removeMcpServer]
