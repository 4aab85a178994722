import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'

export interface ProxyAsk {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
}

/** What a tool in a sandbox does with its proxy, one step at a time. */
export class ProxyClient {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** CONNECT; the answer's head, and the connection behind it. */
  async connect(authority: string, headers = ''): Promise<{ status: number; text: string; socket: Socket }> {
    const socket = connect({ path: this.#socketPath, allowHalfOpen: true })
    socket.on('error', () => socket.destroy())
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headers}\r\n`)
    const [head] = (await once(socket, 'data')) as [Buffer]
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head.toString())?.[1])
    return { status, text: head.toString(), socket }
  }

  /** A TLS connection to a host through the proxy, checked as any client does. */
  async tls(authority: string, options: { ca: string; servername?: string }): Promise<TLSSocket> {
    const { status, text: head, socket } = await this.connect(authority)
    if (status !== 200) throw new Error(head)
    const host = authority.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
    const isAddress = /^[\d.]+$|:/.test(host)
    const name = options.servername ?? (isAddress ? '' : host)
    const opened = connectTls({ socket, ca: options.ca, servername: name, host })
    opened.on('close', () => socket.destroy())
    await once(opened, 'secureConnect')
    opened.on('error', () => opened.destroy())
    return opened
  }

  /** One request on a connection; the connection stays. */
  async ask(socket: Socket, authority: string, asked: ProxyAsk = {}) {
    const { method = 'GET', path = '/', headers = {}, body } = asked
    const sent = request({
      ...{ method, path, createConnection: () => socket, setHost: false },
      headers: { host: authority, connection: 'keep-alive', ...headers },
    })
    // What breaks once there is an answer is shown by the answer.
    sent.on('error', () => sent.destroy())
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
  }

  /** A plain request with a whole address. */
  async plain(url: string, asked: ProxyAsk = {}) {
    const { method = 'GET', headers = {}, body } = asked
    const sent = request({
      ...{ socketPath: this.#socketPath, method, path: url, agent: false, setHost: false },
      headers: { host: new URL(url).host, ...headers },
    })
    // What breaks once there is an answer is shown by the answer.
    sent.on('error', () => sent.destroy())
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
  }
}

/** Bytes on a connection, and all that comes back until it is closed. */
export async function exchangeBytes(socket: Socket, bytes: string): Promise<string> {
  socket.write(bytes)
  return text(socket)
}
