import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'

/** The emulator that this suite drives, pinned; its licence and source are its own. */
const PACKAGE = 'telegram-test-api'
const VERSION = '4.2.1'
const PEERS = join(import.meta.dirname, '../../.creel/peers')

/** What the tests run against, for a person who reads their output. */
export const BACKEND_NAME = `${PACKAGE} ${VERSION}`

/** The part of the package's server that is used here. */
interface TelegramServer {
  readonly config: { readonly apiURL: string }
  start(): Promise<void>
  stop(): Promise<boolean>
}
type TelegramServerClass = new (config: object) => TelegramServer

const Sent = z.looseObject({
  chat_id: z.coerce.string(),
  message_id: z.coerce.number(),
  text: z.string(),
  reply_markup: z
    .looseObject({
      inline_keyboard: z
        .array(
          z.array(
            z.object({ text: z.string(), callback_data: z.string().optional(), url: z.string().optional() }),
          ),
        )
        .optional(),
    })
    .optional(),
  message_thread_id: z.coerce.number().optional(),
  entities: z.array(z.looseObject({ type: z.string(), offset: z.number(), length: z.number() })).optional(),
  link_preview_options: z.looseObject({ is_disabled: z.boolean().optional() }).optional(),
})
const History = z.object({
  result: z.array(z.looseObject({ messageId: z.number(), message: z.looseObject({}).default({}) })),
})

/** One message of the bot, as the emulator keeps it. */
export type SentMessage = z.infer<typeof Sent>

/** A running telegram-test-api: what people write goes in, what the bot sends is kept. */
export class TestApiBackend {
  readonly url: string
  readonly #server: TelegramServer
  readonly #token: string

  private constructor(server: TelegramServer, token: string) {
    this.#server = server
    this.#token = token
    this.url = server.config.apiURL
  }

  static async start(token: string): Promise<TestApiBackend> {
    const Server = loadServer()
    for (let tries = 1; ; tries += 1) {
      const port = await freePort()
      const server = new Server({ host: '127.0.0.1', port, storeTimeout: 3600 })
      try {
        await server.start()
        return new TestApiBackend(server, token)
      } catch (error) {
        // Another process took the port between the question and the answer.
        if (tries === 5) throw error
      }
    }
  }

  /** A person's client sends this. */
  async post(message: object): Promise<void> {
    await this.#call('/sendMessage', { ...message, botToken: this.#token })
  }

  /** A person presses a button. */
  async press(press: object): Promise<void> {
    await this.#call('/sendCallback', { ...press, botToken: this.#token })
  }

  async sentMessages(): Promise<SentMessage[]> {
    const history = History.parse(await this.#call('/getUpdatesHistory', { token: this.#token }))
    return history.result.flatMap(({ messageId, message }) =>
      'chat_id' in message ? [Sent.parse({ ...message, message_id: messageId })] : [],
    )
  }

  /** Hands a bot's request over. */
  async bot(method: string, payload: unknown): Promise<unknown> {
    return await this.#call(`/bot${this.#token}/${method}`, payload)
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  async #call(path: string, body: unknown): Promise<unknown> {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(body),
    })
    if (!response.ok)
      throw new Error(`${PACKAGE} answered ${response.status} to ${path.replace(/\/bot[^/]*/, '')}`)
    return await response.json()
  }
}

function loadServer(): TelegramServerClass {
  const folder = join(PEERS, 'node_modules', PACKAGE)
  if (!existsSync(folder)) {
    console.log(`telegram emulator: installing ${PACKAGE}@${VERSION} into .creel/peers`)
    const args = ['install', '--no-audit', '--no-fund', '--prefix', PEERS, `${PACKAGE}@${VERSION}`]
    const done = spawnSync('npm', args, { encoding: 'utf8', timeout: 300_000 })
    if (done.status !== 0) throw new Error(`cannot install ${PACKAGE}@${VERSION}: ${done.stderr}`)
  }
  // Not in package.json, so its shape is declared above instead of imported.
  const Server: TelegramServerClass = createRequire(import.meta.url)(folder)
  return Server
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve)
  })
  const address = probe.address()
  await new Promise((resolve) => {
    probe.close(resolve)
  })
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
