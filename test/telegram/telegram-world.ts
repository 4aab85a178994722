import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, vi } from 'vitest'
import { TelegramChannel } from '../../src/adapters/channels/telegram/telegram-channel.ts'
import type { ChatAddress, InboundMessage } from '../../src/domain/message.ts'
import type { Accepted } from '../../src/domain/ports/channel.ts'
import { ALICE, type Emulator, GROUP, startEmulator } from './emulator.ts'

export const WAIT = { timeout: 15_000, interval: 10 }

export interface LogLine {
  readonly level: string
  readonly fields: object
  readonly message: string
}

/** One channel against one emulator. Disposing it checks that the token shows nowhere in the log. */
export class TelegramWorld implements AsyncDisposable {
  readonly emulator: Emulator
  readonly channel: TelegramChannel
  readonly log: LogLine[] = []
  readonly taken: InboundMessage[] = []
  readonly migrations: string[] = []
  /** Paths of stored files, by hash. */
  readonly files = new Map<string, string>()
  readonly group: ChatAddress = { channel: 'telegram', account: 'main', chat: String(GROUP.id) }
  readonly private: ChatAddress = { channel: 'telegram', account: 'main', chat: String(ALICE.id) }
  readonly #folder = mkdtempSync(join(tmpdir(), 'creel-telegram-'))
  #stop = new AbortController()
  #running: Promise<{ error?: unknown }> = Promise.resolve({})

  private constructor(emulator: Emulator, token: string) {
    this.emulator = emulator
    const write = (level: string) => (fields: object, message: string) => {
      this.log.push({ level, fields, message })
    }
    this.channel = new TelegramChannel({
      account: 'main',
      token,
      apiRoot: `${emulator.apiRoot}/`,
      log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
      backoff: { minMs: 10, maxMs: 100 },
      pathOf: (sha256) => this.files.get(sha256) ?? null,
      onChatMigrated: (from, to) => this.migrations.push(`${from} -> ${to}`),
    })
  }

  /** Puts bytes where the channel finds them. */
  store(bytes: Buffer): { sha256: string; path: string } {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const path = join(this.#folder, sha256)
    writeFileSync(path, bytes)
    this.files.set(sha256, path)
    return { sha256, path }
  }

  static async start(token?: string): Promise<TelegramWorld> {
    const emulator = await startEmulator()
    return new TelegramWorld(emulator, token ?? emulator.token)
  }

  /** Begins to receive; `accept` may throw. */
  listen(accept: (message: InboundMessage) => Accepted = () => 'new'): void {
    this.#stop = new AbortController()
    this.#running = this.channel
      .receive((message) => {
        const accepted = accept(message)
        this.taken.push(message)
        return accepted
      }, this.#stop.signal)
      .then(
        () => ({}),
        (error: unknown) => ({ error }),
      )
  }

  /** Ends receiving and gives what it rejected with. */
  async stopListening(): Promise<unknown> {
    this.#stop.abort()
    return (await this.#running).error
  }

  /** What receiving rejected with, without stopping it. */
  async failure(): Promise<unknown> {
    return (await this.#running).error
  }

  async next(text: string): Promise<InboundMessage> {
    return await vi.waitFor(() => {
      const found = this.taken.find((message) => message.text === text)
      if (found === undefined) throw new Error(`no message ${text}`)
      return found
    }, WAIT)
  }

  /** Sends markdown as delivery does, part after part; gives the platform's ids. */
  async send(to: ChatAddress, markdown: string, signal = new AbortController().signal): Promise<string[]> {
    const ids: string[] = []
    for (const part of this.channel.render(markdown))
      ids.push(await this.channel.send(to, part, 'key', signal))
    return ids
  }

  /** The error of a send, checked for the token in every corner of it. */
  async sendError(to: ChatAddress, markdown = 'hello', signal?: AbortSignal): Promise<unknown> {
    const error = await this.send(to, markdown, signal).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    this.checkSecret(error)
    return error
  }

  checkSecret(shown: unknown): void {
    const secret = this.emulator.token.split(':')[1] ?? ''
    expect(secret.length).toBeGreaterThan(20)
    expect(inspect(shown, { depth: 20, showHidden: true, getters: true })).not.toContain(secret)
  }

  messages(level: string): string[] {
    return this.log.filter((line) => line.level === level).map((line) => line.message)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopListening()
    await this.emulator.stop()
    rmSync(this.#folder, { recursive: true })
    this.checkSecret(this.log)
  }
}
