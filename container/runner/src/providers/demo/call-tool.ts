import * as z from 'zod'
import { OUR_SERVER } from '../../tools/tool-access.ts'

const Answer = z.union([
  z.object({
    result: z.object({
      content: z.array(z.object({ text: z.string() })),
      isError: z.boolean().default(false),
    }),
  }),
  z.object({ error: z.object({ message: z.string() }) }),
])

/**
 * Calls one of our tools over HTTP, as a runtime does for its model, and returns what a model would be told, an error
 * with `error: ` before it. `args` is JSON; nothing is an empty object.
 */
export async function callTool(
  servers: Readonly<Record<string, { readonly url: string }>>,
  name: string,
  args: string,
): Promise<string> {
  const url = servers[OUR_SERVER]?.url
  if (url === undefined) return 'error: there is no tool server'
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":${args.trim() || '{}'}}}`,
  })
  const answer = Answer.safeParse(await response.json())
  if (!answer.success) return `error: the tool server answered ${response.status}`
  if ('error' in answer.data) return `error: ${answer.data.error.message}`
  const { content, isError } = answer.data.result
  return `${isError ? 'error: ' : ''}${content.map(({ text }) => text).join('\n')}`
}
