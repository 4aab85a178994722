import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WebGroup } from '../../src/adapters/channels/web/app-context.ts'
import { WebChannel, type WebChannelOptions } from '../../src/adapters/channels/web/channel.ts'
import { ForkedMemoryReader } from '../../src/adapters/memory-reader/forked-memory-reader.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { ChatAddress, InboundMessage } from '../../src/domain/message.ts'
import type { Accepted } from '../../src/domain/ports/channel.ts'
import type { Clock } from '../../src/domain/ports/clock.ts'
import { Paths } from '../../src/paths.ts'
import { FakeFileStore } from '../fakes/fake-file-store.ts'
import { FakeOwnChat } from '../fakes/fake-own-chat.ts'
import { FakeWebLogins } from '../fakes/fake-web-logins.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** A web channel on a free port with its storage in memory, and a client that can lie about everything. */
export class WebWorld implements AsyncDisposable {
  readonly folder = join(tmpdir(), `creel-web-${randomUUID()}`)
  readonly logins = new FakeWebLogins()
  readonly chats = new FakeOwnChat()
  readonly files = new FakeFileStore()
  readonly taken: InboundMessage[] = []
  readonly faults: string[] = []
  groups: WebGroup[] = [{ name: 'main' as GroupName, provider: 'demo', state: 'asleep' }]
  /** Milliseconds that the channel's clock is ahead. */
  ahead = 0
  accept: (message: InboundMessage) => Accepted = () => 'new'
  /** Nothing is there unless a test puts it there. */
  readonly paths = new Paths(join(this.folder, 'data'), join(this.folder, 'groups'))
  readonly managers = new Set<string>(['web:owner'])
  readonly channel: WebChannel
  readonly #stopping = new AbortController()
  #receiving: Promise<void> = Promise.resolve()

  constructor(options: Partial<WebChannelOptions> = {}) {
    this.channel = new WebChannel({
      host: '127.0.0.1',
      port: 0,
      publicUrl: '',
      logins: this.logins,
      chats: this.chats,
      files: this.files,
      maxFileBytes: 1_000_000,
      memory: { reader: new ForkedMemoryReader(this.paths), mayManage: (user) => this.managers.has(user) },
      clock: this.clock,
      groups: () => this.groups,
      onFault: (what, error) => this.faults.push(`${what}: ${error}`),
      ...options,
    })
  }

  readonly clock: Clock = {
    now: () => (Date.now() + this.ahead) as UnixMs,
    sleep: () => Promise.reject(new Error('WebWorld: nothing sleeps here')),
  }

  /** Listens and receives. */
  async start(): Promise<this> {
    await this.channel.listen()
    this.#receiving = this.channel.receive((message) => {
      const accepted = this.accept(message)
      this.taken.push(message)
      return accepted
    }, this.#stopping.signal)
    return this
  }

  get port(): number {
    return this.channel.address.port
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  address(chat = 'main'): ChatAddress {
    return { channel: 'web', account: 'main', chat }
  }

  agentSays(text: string, key: string, chat = 'main'): Promise<string> {
    const [part = ''] = this.channel.render(text)
    return this.channel.send(this.address(chat), part, key, new AbortController().signal)
  }

  async ask(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
    const response = await this.open(path, { method, headers, ...(body === undefined ? {} : { body }) })
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return { status: response.statusCode ?? 0, headers: response.headers, body: text }
  }

  /** Like `ask`, but hands over the answer while it is still coming in. */
  async open(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<IncomingMessage> {
    const asking = request({ host: '127.0.0.1', port: this.port, path, method, headers, agent: false })
    asking.end(body)
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    return response
  }

  /** Headers of a request that the page itself would make. */
  pageHeaders(cookie = ''): Record<string, string> {
    const own = { origin: this.origin, 'content-type': 'application/json' }
    return cookie === '' ? own : { ...own, cookie }
  }

  redeem(token: string): Promise<Answer> {
    return this.ask('/login', {
      method: 'POST',
      headers: this.pageHeaders(),
      body: JSON.stringify({ token }),
    })
  }

  /** Logs in as a browser does and returns its cookie. */
  async logIn(): Promise<string> {
    const answer = await this.redeem(this.logins.createLink(this.clock.now()))
    const cookie = answer.headers['set-cookie']?.[0]?.split(';', 1)[0]
    if (answer.status !== 204 || cookie === undefined) throw new Error(`login failed: ${answer.status}`)
    return cookie
  }

  post(cookie: string, text: string, id: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('/api/chats/main/messages', {
      method: 'POST',
      headers: { ...this.pageHeaders(cookie), ...headers },
      body: JSON.stringify({ id, text }),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#receiving
    await this.channel.close()
    await this.files.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
