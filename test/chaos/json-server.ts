import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What a route answers: JSON or bytes with a status, or nothing at all: the connection breaks. */
export type Answer = { readonly status: number; readonly body: unknown } | 'broken'

export type Route = (path: string, body: Record<string, unknown>) => Promise<Answer>

/** A JSON server on a free port of the loopback, for the part of the world that is never killed. */
export class JsonServer {
  readonly #server: Server
  /** What each open connection was last used for. */
  readonly #paths: Map<Socket, string>

  private constructor(server: Server, paths: Map<Socket, string>) {
    this.#server = server
    this.#paths = paths
  }

  static async start(route: Route): Promise<JsonServer> {
    const paths = new Map<Socket, string>()
    const server = createServer((request, response) => {
      const serve = async () => {
        const path = request.url ?? '/'
        paths.set(request.socket, path)
        const answer = await route(path, await bodyOf(request))
        if (answer === 'broken') {
          request.socket.destroy()
          return
        }
        const { status, body } = answer
        const bytes = Buffer.isBuffer(body)
        response.writeHead(status, {
          'content-type': bytes ? 'application/octet-stream' : 'application/json',
        })
        response.end(bytes ? body : JSON.stringify(body))
      }
      // A host that was killed in the middle of a call.
      serve().catch(() => request.socket.destroy())
    })
    server.on('connection', (socket) => socket.once('close', () => paths.delete(socket)))
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new JsonServer(server, paths)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Breaks every connection that was last used for such a path, in the middle of a call or not. Returns how many. */
  cut(uses: RegExp): number {
    const found = [...this.#paths].filter(([, path]) => uses.test(path))
    for (const [socket] of found) socket.destroy()
    return found.length
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
  if (request.headers['content-type']?.startsWith('multipart/')) return Object.fromEntries(fieldsOf(text))
  if (text.startsWith('{')) return JSON.parse(text) as Record<string, unknown>
  return Object.fromEntries(new URLSearchParams(text))
}

/** The plain fields of a form; its files are left out. */
function fieldsOf(form: string): [string, string][] {
  const fields = form.matchAll(/name="?(\w+)"?\r\n(?:content-type:[^\r]*\r\n)?\r\n([\s\S]*?)\r\n--/gi)
  return [...fields].map(([, name = '', value = '']) => [name, value])
}
