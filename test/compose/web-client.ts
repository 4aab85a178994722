import { randomUUID } from 'node:crypto'

/** A browser's part of the web chat: logs in with a one-time link, posts, reads events. */
export class WebClient {
  readonly #origin: string
  #cookie = ''

  constructor(origin: string) {
    this.#origin = origin
  }

  async login(link: string): Promise<void> {
    const token = new URL(link).searchParams.get('token')
    const response = await this.#post('/login', { token })
    if (response.status !== 204) throw new Error(`login: ${response.status} ${await response.text()}`)
    this.#cookie = response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; ')
  }

  async agents(): Promise<{ name: string }[]> {
    const response = await fetch(`${this.#origin}/api/agents`, { headers: { cookie: this.#cookie } })
    const { agents } = (await response.json()) as { agents: { name: string }[] }
    return agents
  }

  async send(group: string, text: string): Promise<void> {
    const response = await this.#post(`/api/chats/${group}/messages`, { id: randomUUID(), text })
    if (response.status !== 202) throw new Error(`message: ${response.status} ${await response.text()}`)
  }

  /** Reads the chat's events from its beginning until one matches; returns everything read. */
  async eventsUntil(group: string, found: (text: string) => boolean, signal: AbortSignal): Promise<string> {
    const url = `${this.#origin}/api/chats/${group}/events`
    const response = await fetch(url, { headers: { cookie: this.#cookie }, signal })
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (found(text)) return text
    }
    throw new Error(`the events ended early: ${text}`)
  }

  #post(path: string, body: unknown): Promise<Response> {
    return fetch(`${this.#origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: this.#origin, cookie: this.#cookie },
      body: JSON.stringify(body),
    })
  }
}
