import type { Readable, Writable } from 'node:stream'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import * as z from 'zod'
import { errorText } from '../log.ts'

/** What the server says of itself when it answers the first request. */
const Greeting = z.object({ result: z.object({ protocolVersion: z.string(), serverInfo: z.unknown() }) })
/** JSON-RPC: the server had an error of its own. */
const SERVER_ERROR = -32_000

/**
 * Offers the tool server at an address (MCP over HTTP) on stdin and stdout: every runtime starts commands alike, but
 * takes its way out of the sandbox in another way. Resolves when the runtime lets go. What cannot be brought there is
 * answered with why.
 */
export async function bridge(url: URL, stdin: Readable, stdout: Writable): Promise<void> {
  const near = new StdioServerTransport(stdin, stdout)
  const far = new StreamableHTTPClientTransport(url)
  far.onmessage = (message: JSONRPCMessage) => {
    // Named in each request from then on.
    const greeting = Greeting.safeParse(message)
    if (greeting.success) far.setProtocolVersion(greeting.data.result.protocolVersion)
    void near.send(message)
  }
  near.onmessage = (message: JSONRPCMessage) => {
    far.send(message).catch((error: unknown) => {
      if (!('id' in message) || !('method' in message)) return
      const text = `${url.host} cannot be used: ${errorText(error).slice(0, 500)}`
      void near.send({ jsonrpc: '2.0', id: message.id, error: { code: SERVER_ERROR, message: text } })
    })
  }
  const over = Promise.withResolvers<void>()
  stdin.once('end', over.resolve)
  stdin.once('close', over.resolve)
  await far.start()
  await near.start()
  await over.promise
  await far.terminateSession().catch(() => undefined)
  await far.close()
  await near.close()
}
