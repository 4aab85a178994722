// A tool server over stdio for tests: one tool, which gives back what it is given and what is in its environment.
// Usage: node echo-mcp-server.mjs [milliseconds before it is ready]
import { createInterface } from 'node:readline'

const tools = [
  {
    name: 'echo_token',
    description: 'Returns the text',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  },
]
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'lab', version: '1' },
    instructions: 'LAB-SAYS-71: use it wisely.',
  }),
  'tools/list': () => ({ tools }),
  'tools/call': ({ arguments: { text } }) => ({
    content: [{ type: 'text', text: `TOKEN-RESULT:${text}:${process.env.LAB}` }],
  }),
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  if (method === 'initialize')
    await new Promise((resolve) => setTimeout(resolve, Number(process.argv[2] ?? 0)))
  const result = answers[method]?.(params) ?? {}
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)
})
