import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type Browser, chromium, type Page } from 'playwright-core'
import { whyNoEngine } from '../docker/test-image.ts'
import { HostProcess } from '../rig/host-process.ts'
import { ALICE, type Emulator, startEmulator } from '../telegram/emulator.ts'

const CHROMIUM = '/usr/bin/chromium'
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
const WAIT_MS = 60_000

/** Why there is no such rig here; null when there can be one. */
export async function whyNoChannels(): Promise<string | null> {
  return existsSync(CHROMIUM) ? await whyNoEngine() : `there is no ${CHROMIUM}`
}

/** A person who talks to an agent on one channel. */
export interface Side {
  readonly name: 'telegram' | 'web'
  say(text: string): Promise<void>
  /** All that is shown to them, as one text. */
  shown(): Promise<string>
  sees(part: string): Promise<void>
  /** Presses the newest button that says this. */
  press(label: string): Promise<void>
}

export interface TwoChannelsOptions {
  /** The agent that both talk to, beside another one. */
  readonly group: string
  readonly toml?: string
}

/** The real host with the Telegram emulator and a browser on the page: the owner on both, at one agent. */
export class TwoChannels implements AsyncDisposable {
  readonly host: HostProcess
  readonly emulator: Emulator
  readonly page: Page
  readonly telegram: Side
  readonly web: Side
  readonly group: string
  readonly #browser: Browser

  private constructor(host: HostProcess, emulator: Emulator, browser: Browser, page: Page, group: string) {
    this.host = host
    this.emulator = emulator
    this.#browser = browser
    this.page = page
    this.group = group
    this.telegram = telegramSide(host, emulator)
    this.web = webSide(page)
  }

  /** `prepare` writes the groups before the host starts. */
  static async start(
    options: TwoChannelsOptions,
    prepare: (host: HostProcess) => void,
  ): Promise<TwoChannels> {
    const { group, toml = '' } = options
    const emulator = await startEmulator()
    const host = await HostProcess.make()
    const token = join(host.folder, 'token')
    writeFileSync(token, emulator.token, { mode: 0o600 })
    const telegram = `[[telegram]]\ntoken_file = "${token}"\napi_root = "${emulator.apiRoot}"\n`
    writeFileSync(host.tomlFile, `${telegram}${toml}`)
    prepare(host)
    await host.start()
    const link = (await host.creel('link')).trim()
    // It has to be at the same place after a restart.
    host.env({ CREEL_WEB_PORT: new URL(link).port })
    await emulator.postPrivateMessage('I am here')
    await host.until('the chat', async () => (await host.call<unknown[]>('chat-list')).length > 0)
    await host.call('grant', { user: `telegram:${ALICE.id}`, role: 'owner' })
    await host.call('bind', { chat: `telegram:${ALICE.id}`, group, engage: 'always', senders: 'strict' })
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS })
    const page = await browser.newPage()
    page.setDefaultTimeout(WAIT_MS)
    await page.goto(link)
    await page.getByRole('button', { name: 'Open the chat' }).click()
    await page.locator('#log[aria-busy=false]').waitFor({ state: 'attached' })
    await page.locator(`#agents a[href="#${group}"]`).click()
    await page.locator('#title', { hasText: group }).waitFor()
    await page.locator('#log[aria-busy=false]').waitFor({ state: 'attached' })
    return new TwoChannels(host, emulator, browser, page, group)
  }

  get sides(): readonly Side[] {
    return [this.telegram, this.web]
  }

  /** Changes what the host keeps, as nobody can from outside. */
  sql(text: string): void {
    const db = new Database(join(this.host.dataDir, 'host.db'), { timeout: 5_000 })
    try {
      db.exec(text)
    } finally {
      db.close()
    }
  }

  /** The first row of a query, of what the host keeps. */
  row<Row>(sql: string): Row | undefined {
    const db = new Database(join(this.host.dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
    try {
      return db.prepare<[], Row>(sql).get()
    } finally {
      db.close()
    }
  }

  /** Nobody works, and all that was to be sent is sent. */
  async nothingOnItsWay(): Promise<void> {
    const open = `SELECT (SELECT count(*) FROM dispatch WHERE outcome IS NULL)
                       + (SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending')) AS n`
    await this.host.until('everything to be sent', () => this.row<{ n: number }>(open)?.n === 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    await this.host[Symbol.asyncDispose]()
    await this.emulator.stop()
  }
}

function telegramSide(host: HostProcess, emulator: Emulator): Side {
  const shown = async () => {
    const sent = await emulator.sentMessages(ALICE.id)
    const files = emulator.sentFiles.flatMap(({ name, caption }) => [name, caption])
    const emoji = emulator.reactions.map((reaction) => reaction.emoji)
    return [...sent.map(({ text }) => text), ...files, ...emoji].join('\n')
  }
  return {
    name: 'telegram',
    shown,
    say: (text) => emulator.postPrivateMessage(text),
    sees: (part) => host.until(`“${part}” on Telegram`, async () => (await shown()).includes(part)),
    press: (label) =>
      host.until(`the button ${label}`, async () => {
        const keys = (await emulator.sentMessages(ALICE.id)).flatMap(
          ({ reply_markup }) => reply_markup?.inline_keyboard?.flat() ?? [],
        )
        if (!keys.some(({ text }) => text === label)) return false
        await emulator.press(label, ALICE.id)
        return true
      }),
  }
}

function webSide(page: Page): Side {
  return {
    name: 'web',
    shown: async () => (await page.locator('#log').textContent()) ?? '',
    async say(text) {
      await page.getByLabel('Message', { exact: true }).fill(text)
      await page.keyboard.press('Enter')
    },
    sees: (part) => page.locator('#log', { hasText: part }).waitFor(),
    press: (label) => page.locator('#log').getByRole('button', { name: label }).last().click(),
  }
}
