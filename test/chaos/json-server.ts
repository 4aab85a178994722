import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a route answers: JSON with a status, or nothing at all: the connection breaks. */
export type Answer = { readonly status: number; readonly body: unknown } | 'broken'

export type Route = (path: string, body: Record<string, unknown>) => Promise<Answer>

/** A JSON server on a free port of the loopback, for the part of the world that is never killed. */
export class JsonServer {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(route: Route): Promise<JsonServer> {
    const server = createServer((request, response) => {
      const serve = async () => {
        const answer = await route(request.url ?? '/', await bodyOf(request))
        if (answer === 'broken') {
          request.socket.destroy()
          return
        }
        response.writeHead(answer.status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(answer.body))
      }
      // A host that was killed in the middle of a call.
      serve().catch(() => request.socket.destroy())
    })
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new JsonServer(server)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  if (text === '') return {}
  if (text.startsWith('{')) return JSON.parse(text) as Record<string, unknown>
  return Object.fromEntries(new URLSearchParams(text))
}
