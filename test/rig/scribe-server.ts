import { once } from 'node:events'
import { createServer, type Server } from 'node:http'

export interface ScribeRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly fields: Readonly<Record<string, string>>
  readonly file: { readonly name: string; readonly text: string }
}

/** A service with `/v1/audio/transcriptions` for tests: what the "recording" says is what it does. */
export class ScribeServer implements AsyncDisposable {
  readonly requests: ScribeRequest[] = []
  /** Requests that wait for an answer that never comes. */
  hanging = 0
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const type = request.headers['content-type'] ?? ''
        const { headers, url: path = '' } = request
        new Response(Buffer.concat(pieces), { headers: { 'content-type': type } }).formData().then(
          async (form) => {
            const file = form.get('file')
            if (!(file instanceof File)) throw new Error('no file')
            const text = await file.text()
            const fields = Object.fromEntries([...form].filter(([, value]) => typeof value === 'string'))
            this.requests.push({
              path,
              headers,
              fields: fields as Record<string, string>,
              file: { name: file.name, text },
            })
            const [status, body] = answerTo(text, String(headers.authorization))
            if (status === 0) {
              this.hanging += 1
              response.once('close', () => {
                this.hanging -= 1
              })
              return
            }
            const more = status === 302 ? { location: '/elsewhere' } : { 'retry-after': '7' }
            response.writeHead(status, { 'content-type': 'application/json', ...more }).end(body)
          },
          (error: unknown) => response.writeHead(400).end(String(error)),
        )
      })
    })
  }

  static async start(): Promise<ScribeServer> {
    const server = new ScribeServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return `http://127.0.0.1:${address.port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Status 0: no answer at all. */
function answerTo(text: string, key: string): [number, string] {
  const [order, ...rest] = text.split(':')
  const said = rest.join(':')
  switch (order) {
    case 'say':
      return [200, JSON.stringify({ text: said })]
    case 'hang':
      return [0, '']
    case 'again':
      return [429, '{}']
    case 'broken':
      return [503, '']
    case 'moved':
      return [302, '']
    case 'key':
      return [401, `no such key ${key}`]
    case 'nonsense':
      return [200, '<html>']
    case 'flood':
      return [200, JSON.stringify({ text: 'x'.repeat(10_000_000) })]
    default:
      return [400, '{"error": {"message": "Invalid file format."}}']
  }
}
