import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { channelContract } from '../contract/channel.ts'
import type { ChannelWorld } from '../contract/channel-world.ts'
import { EventReader } from './event-reader.ts'
import { WebWorld } from './web-world.ts'

channelContract('web', async (): Promise<ChannelWorld> => {
  const world = new WebWorld()
  await world.channel.listen()
  const cookie = await world.logIn()
  const page = new PagePart(world, cookie)
  return {
    channel: world.channel,
    address: world.address(),
    say: (text) => page.say(text),
    press: (label) => page.press(label),
    async buttons() {
      const reader = await EventReader.open(world, cookie)
      await reader.until('ready')
      reader.close()
      return reader.named('line').flatMap(({ data }) => Line.parse(data).choices)
    },
    async reactions() {
      const reader = await EventReader.open(world, cookie)
      await reader.until('ready')
      reader.close()
      return reader.named('line').flatMap(({ data }) => Line.parse(data).reaction ?? [])
    },
    isAcknowledged: (text) => page.acknowledged.has(text),
    async shown() {
      const reader = await EventReader.open(world, cookie)
      await reader.until('ready')
      reader.close()
      const lines = reader.named('line').filter((event) => event.data.author === 'agent')
      return lines.map((event) => plainText(String(event.data.html)))
    },
    store: (bytes, name) => ({ ...world.files.put(bytes), name, mime: '' }),
    async shownFiles() {
      const reader = await EventReader.open(world, cookie)
      await reader.until('ready')
      reader.close()
      return await Promise.all(reader.named('line').flatMap(({ data }) => linkedFiles(data, world, cookie)))
    },
    async [Symbol.asyncDispose]() {
      await world.channel.close()
      await world.files.close()
      await page.stop()
    },
  }
})

/** What the page does with a typed message: posts in order, and again until it is taken. */
class PagePart {
  readonly acknowledged = new Set<string>()
  readonly #world: WebWorld
  readonly #cookie: string
  #last: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(world: WebWorld, cookie: string) {
    this.#world = world
    this.#cookie = cookie
  }

  async say(text: string): Promise<void> {
    this.#last = this.#last.then(() => this.#postUntilTaken(text))
  }

  /** Presses the button of the newest line that has one of this label. */
  async press(label: string): Promise<void> {
    const reader = await EventReader.open(this.#world, this.#cookie)
    await reader.until('ready')
    reader.close()
    const lines = reader.named('line').map(({ data }) => Line.parse(data))
    const line = lines.findLast(({ choices }) => choices.includes(label))
    const body = JSON.stringify({ id: randomUUID(), line: line?.id, choice: line?.choices.indexOf(label) })
    const headers = this.#world.pageHeaders(this.#cookie)
    this.#last = this.#last.then(async () => {
      for (let status = 0; status !== 202 && !this.#stopped; )
        status = (await this.#world.ask('/api/chats/main/presses', { method: 'POST', headers, body })).status
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#last
  }

  async #postUntilTaken(text: string): Promise<void> {
    const id = randomUUID()
    while (!this.#stopped) {
      const status = await this.#world.post(this.#cookie, text, id).then(
        (answer) => answer.status,
        (error: unknown) => error,
      )
      if (status === 202) {
        this.acknowledged.add(text)
        return
      }
    }
  }
}

function plainText(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}

const Line = z.object({
  id: z.number().default(0),
  choices: z.array(z.string()).default([]),
  html: z.string().default(''),
  reaction: z.string().optional(),
  files: z.array(z.object({ name: z.string(), url: z.string() })).default([]),
})

/** The files of a line, as they come from its links. */
function linkedFiles(data: unknown, world: WebWorld, cookie: string) {
  const { html, files } = Line.parse(data)
  return files.map(async ({ name, url }) => {
    const { status, body } = await world.ask(url, { headers: { cookie } })
    return { name, caption: plainText(html).trim(), bytes: status === 200 ? body.length : -1 }
  })
}
