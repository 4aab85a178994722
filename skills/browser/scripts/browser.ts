// Opens a page in Chromium and does one step after the other: node browser.ts ADDRESS-OR-FILE STEP...
import { chmodSync, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Playwright from 'playwright-core'
import type { BrowserContext, Page } from 'playwright-core'
import { type BrowserCommand, inTwo, readCommand, type Step } from '../parts/command.ts'
import { findClickable, findField, namesOn } from '../parts/on-page.ts'
import { whyRefused } from '../parts/way-out.ts'

const CHROMIUM = '/usr/bin/chromium'
const OPEN_MS = 45_000
const FIND_MS = 5_000
const QUIET_MS = 2_000
/** Until a click has begun to lead elsewhere. */
const SOON_MS = 300
const WHOLE_MS = 240_000
/** Pixels; a picture of more than that nobody can look at. */
const LONGEST_PAGE = 12_000
const MAX_REFUSED = 12
const DESKTOP = { viewport: { width: 1280, height: 800 } }
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }
const MARGIN = { top: '15mm', bottom: '15mm', left: '15mm', right: '15mm' }

/** One run: what a person would do on one page after the other. */
class Visit {
  readonly #context: BrowserContext
  readonly #settings: BrowserCommand['settings']
  /** The newest is the one to work on: what a link opens beside a page is what a person would look at next. */
  readonly #pages: Page[] = []
  /** Hosts that were turned away while pages were loaded, with how often. */
  readonly refused = new Map<string, number>()

  constructor(context: BrowserContext, settings: BrowserCommand['settings']) {
    this.#context = context
    this.#settings = settings
    context.setDefaultTimeout(FIND_MS)
    context.on('page', (page) => this.#watch(page))
  }

  get page(): Page {
    const newest = this.#pages.at(-1)
    if (newest === undefined) throw new Error('the page closed itself')
    return newest
  }

  async carryOut({ name, value }: Step): Promise<void> {
    switch (name) {
      case 'text':
        return this.#print(await this.page.locator('body').innerText())
      case 'look':
        return this.#print(await this.page.locator('body').ariaSnapshot())
      case 'open':
        return this.open(addressOf(value))
      case 'fill': {
        const [field, given] = inTwo(value)
        return (await findField(this.page, field)).fill(given)
      }
      case 'select': {
        const [field, given] = inTwo(value)
        await (await findField(this.page, field)).selectOption(given)
        return this.#settle()
      }
      case 'click':
        return this.#click(value)
      case 'press':
        await this.page.keyboard.press(value)
        return this.#settle()
      case 'wait':
        return this.page.getByText(value).first().waitFor({ timeout: OPEN_MS })
      case 'screenshot':
        return this.#screenshot(value)
      default:
        await this.page.pdf({ path: placeFor(value), format: 'A4', printBackground: true, margin: MARGIN })
        return made(value)
    }
  }

  async open(url: string): Promise<void> {
    if (this.#pages.length === 0) await this.#context.newPage()
    try {
      const answer = await this.page.goto(url, { waitUntil: 'domcontentloaded', timeout: OPEN_MS })
      await this.#settle()
      const isWell = answer === null || answer.ok() || answer.status() === 0
      await this.#sayWhere(isWell ? '' : ` status ${answer.status()} ${answer.statusText()}`)
    } catch (error) {
      const why = await whyRefused(new URL(url))
      if (why === null) throw error
      this.refused.delete(new URL(url).host)
      throw new Error(`${url}: ${why}`, { cause: error })
    }
  }

  async #click(name: string): Promise<void> {
    const place = () => `${this.#pages.length} ${this.page.url()}`
    const before = place()
    await (await findClickable(this.page, name)).click()
    await this.page.waitForTimeout(SOON_MS)
    await this.#settle()
    if (place() !== before) await this.#sayWhere()
  }

  async #screenshot(file: string): Promise<void> {
    const size = this.page.viewportSize() ?? DESKTOP.viewport
    if (this.#settings.whole) {
      const needed = Number(await this.page.evaluate('document.documentElement.scrollHeight'))
      const height = Math.min(Math.max(needed, size.height), LONGEST_PAGE)
      await this.page.setViewportSize({ ...size, height })
    }
    await this.page.screenshot({ path: placeFor(file) })
    if (this.#settings.whole) await this.page.setViewportSize(size)
    made(file)
  }

  /** A page that shows something and goes on asking for more is as good as one that is quiet. */
  async #settle(): Promise<void> {
    const ignoreTimeout = (error: unknown) => {
      if (!(error instanceof Error && error.name === 'TimeoutError')) throw error
    }
    await this.page.waitForLoadState('load', { timeout: OPEN_MS / 3 }).catch(ignoreTimeout)
    await this.page.waitForLoadState('networkidle', { timeout: QUIET_MS }).catch(ignoreTimeout)
  }

  #watch(page: Page): void {
    this.#pages.push(page)
    page.on('close', () => this.#pages.splice(this.#pages.indexOf(page), 1))
    page.on('requestfailed', (failed) => {
      if (!/ERR_TUNNEL_CONNECTION_FAILED/.test(failed.failure()?.errorText ?? '')) return
      const { host } = new URL(failed.url())
      if (this.refused.has(host) || this.refused.size < MAX_REFUSED)
        this.refused.set(host, (this.refused.get(host) ?? 0) + 1)
    })
    // A page waits until it is answered.
    page.on('dialog', (dialog) => {
      console.log(`the page asked, and was told no: ${dialog.message().slice(0, 500)}`)
      dialog.dismiss().catch(complain)
    })
  }

  async #sayWhere(more = ''): Promise<void> {
    console.log(`# ${(await this.page.title()) || 'no title'} <${this.page.url()}>${more}`)
  }

  #print(text: string): void {
    const { max } = this.#settings
    const short = text.replace(/[ \t]+\n/g, '\n').replace(/\n{3,}/g, '\n\n')
    console.log(short.slice(0, max))
    if (short.length > max) console.log(`… ${short.length - max} more characters: --max`)
  }
}

/** An address as it is; a file of this sandbox as its address. */
function addressOf(address: string): string {
  if (existsSync(address)) return pathToFileURL(realpathSync(address)).href
  const url = URL.canParse(address) ? new URL(address) : null
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) return url.href
  throw new Error(`${address}: expected an address with https:// or http://, or a file that is there`)
}

function placeFor(file: string): string {
  mkdirSync(dirname(file), { recursive: true })
  return file
}

function made(file: string): void {
  console.log(`${file}: ${statSync(file).size} bytes`)
}

/** The driver says in many lines what it tried. */
function complain(error: unknown): void {
  const [said = ''] = (error instanceof Error ? error.message : String(error)).split(/\s+Call log:/)
  console.error(`browser: ${said}`)
  process.exitCode = 1
}

async function launch(): Promise<Playwright.Browser> {
  if (!existsSync(CHROMIUM))
    throw new Error(
      'this sandbox has no browser; its owner sets "image": {"browser": true} in its container.json',
    )
  // Not imported: an image without a browser lacks it, too.
  const { chromium } = createRequire(import.meta.url)('playwright-core') as typeof Playwright
  return chromium.launch({
    executablePath: CHROMIUM,
    // The container is the wall: in it nobody may make the namespaces that Chromium's own sandbox is built of.
    chromiumSandbox: false,
    // There is no shared memory in it, and no graphics card.
    args: ['--disable-dev-shm-usage', '--disable-gpu'],
  })
}

/** Says where it stopped, what is there instead, and which hosts pages lack. */
async function walk(visit: Visit, url: string, steps: readonly Step[]): Promise<void> {
  try {
    await visit.open(url)
    for (const [index, step] of steps.entries())
      await visit.carryOut(step).catch(async (error: unknown) => {
        const names = (await namesOn(visit.page)).join(', ') || 'nothing'
        console.error(`browser: step ${index + 1}, --${step.name} ${step.value}: there is ${names}`)
        throw error
      })
  } finally {
    for (const [host, times] of visit.refused)
      console.error(`browser: ${host} was refused (${times} requests): request_egress asks for a host`)
  }
}

async function main({ start, steps, settings }: BrowserCommand): Promise<void> {
  const url = addressOf(start)
  const browser = await launch()
  const deadline = setTimeout(() => {
    complain(`not done after ${WHOLE_MS / 1000} seconds`)
    process.exit()
  }, WHOLE_MS)
  try {
    const kept =
      settings.keep === '' ? '' : join(process.env.HOME ?? '/tmp', '.browser', `${settings.keep}.json`)
    const context = await browser.newContext({
      ...(settings.phone ? PHONE : DESKTOP),
      ...(existsSync(kept) ? { storageState: kept } : {}),
      acceptDownloads: false,
    })
    await walk(new Visit(context, settings), url, steps)
    if (kept === '') return
    await context.storageState({ path: placeFor(kept) })
    chmodSync(kept, 0o600)
  } finally {
    clearTimeout(deadline)
    await browser.close()
  }
}

try {
  await main(readCommand(process.argv.slice(2)))
} catch (error) {
  complain(error)
}
