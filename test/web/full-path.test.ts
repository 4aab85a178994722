import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testAgentImage, whyNoEngine } from '../docker/test-image.ts'
import { HostProcess } from '../rig/host-process.ts'

const CHROMIUM = '/usr/bin/chromium'
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** Names a folder for screenshots of the page as it is with the whole program behind it; none are taken without. */
const SHOTS = process.env.CREEL_SCREENSHOTS
const missing = existsSync(CHROMIUM) ? await whyNoEngine() : `there is no ${CHROMIUM}`
if (missing) console.error(`skipped: ${missing}`)

describe.skipIf(missing)('the web chat with host, sandbox and browser', () => {
  let host: HostProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let troubles: string[]

  beforeAll(async () => {
    await testAgentImage()
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET })
  })
  afterAll(() => browser?.close())

  beforeEach(async () => {
    host = await HostProcess.make()
    await host.creel('group', 'add', 'main')
    await host.start()
    context = await browser.newContext({
      viewport: { width: 1200, height: 800 },
      deviceScaleFactor: SHOTS ? 1.5 : 1,
    })
    context.setDefaultTimeout(60_000)
    page = await context.newPage()
    troubles = []
    page.on('pageerror', (error) => troubles.push(error.message))
  })
  afterEach(async () => {
    await context.close()
    await host[Symbol.asyncDispose]()
  })

  async function logIn(): Promise<string> {
    const link = (await host.creel('link')).trim()
    await page.goto(link)
    await page.getByRole('button', { name: 'Open the chat' }).click()
    await page.locator('#log[aria-busy=false]').waitFor({ state: 'attached' })
    return link
  }

  async function write(text: string): Promise<void> {
    await page.getByLabel('Message', { exact: true }).fill(text)
    await page.keyboard.press('Enter')
  }

  const answer = (text: string) => page.locator('.line.agent:not(.partial)', { hasText: text })

  async function shoot(name: string): Promise<void> {
    if (!SHOTS) return
    mkdirSync(SHOTS, { recursive: true })
    await page.screenshot({ path: join(SHOTS, name) })
  }

  it('carries a message to the agent and its answer back while it is being written', async () => {
    await logIn()
    await write('/demo slow 2000')
    await page.locator('#partial', { hasText: 'demo: slow' }).waitFor()
    expect(await answer('slow answer').count()).toBe(0)
    await answer('demo: slow answer after 2000 ms').waitFor()
    await page.locator('#partial').waitFor({ state: 'hidden' })
    expect(await answer('slow answer').count()).toBe(1)

    await write('/demo markdown')
    const shown = answer('not bold')
    await shown.locator('pre code', { hasText: '<b>not bold</b>' }).waitFor()
    const link = shown.getByRole('link', { name: 'a link' })
    expect(await link.getAttribute('href')).toBe('https://example.com/?a=1&b=2')
    expect(await shown.locator('b').count()).toBe(0)

    const before = await page.locator('.line .body').allTextContents()
    await page.reload()
    await answer('not bold').waitFor()
    await page.locator('#log[aria-busy=false]').waitFor({ state: 'attached' })
    expect(await page.locator('.line .body').allTextContents()).toEqual(before)
    expect(troubles).toEqual([])
  })

  it('shows the whole talk on a desktop and on a phone', async () => {
    await host.creel('group', 'add', 'research')
    await logIn()
    await write('Good morning!')
    await answer('demo: Good morning!').waitFor()
    await write('/demo markdown')
    await answer('not bold').waitFor()
    // What the page says of an agent is as old as the page.
    await page.reload()
    await page.getByText('awake').first().waitFor()
    await write('/demo slow 6000')
    await page.locator('#partial', { hasText: 'demo: slow 1 2' }).waitFor()
    await shoot('web-desktop.png')
    await answer('slow answer').waitFor()
    await page.locator('#partial').waitFor({ state: 'hidden' })
    await page.setViewportSize({ width: 390, height: 844 })
    await answer('slow answer').scrollIntoViewIfNeeded()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    await shoot('web-phone.png')
    expect(troubles).toEqual([])
  })

  it('puts what the agent asks for before the owner, who allows it with a button', async () => {
    await logIn()
    await write('/demo tool request_egress {"host":"api.example.com","reason":"the weather"}')
    const card = answer('Creel asks you to decide')
    await card.getByText('api.example.com:443').waitFor()
    await shoot('web-approval.png')
    await card.getByRole('button', { name: 'Always' }).click()
    await answer('Allowed by').waitFor()
    expect(await page.getByRole('button', { name: 'Always' }).count()).toBe(0)
    await answer('it was allowed by').waitFor()
    expect(troubles).toEqual([])
  })

  it('has a task made, shows what it says when it is due, and lists it', async () => {
    await logIn()
    const due = '{"name":"Soon","prompt":"water the plants","in_minutes":0.05}'
    await write(`/demo tool schedule_task ${due}`)
    await answer('"name": "Soon"').waitFor()
    await answer('water the plants').waitFor()
    await write('/demo tool schedule_task {"name":"Daily","prompt":"x","cron":"0 9 * * *"}')
    await answer('"name": "Daily"').waitFor()
    await write('/tasks')
    await answer('cron "0 9 * * *"').getByText('Daily').first().waitFor()
    expect(await answer('water the plants').count()).toBe(1)
    expect(troubles).toEqual([])
  })

  it('comes back by itself when the host was started again', async () => {
    host.env({ CREEL_WEB_PORT: new URL(await logIn()).port })
    await write('before')
    await answer('demo: before').waitFor()
    await host.kill()
    await page.getByText('Connection lost').waitFor()
    await write('meanwhile')
    await host.start()
    await answer('demo: meanwhile').waitFor()
    expect(await page.locator('.line.user', { hasText: 'meanwhile' }).count()).toBe(1)
    expect(await answer('demo: before').count()).toBe(1)
  })

  it('shows the memory, changes it inside the sandbox, overwrites nothing newer, and forgets', async () => {
    await logIn()
    const folder = join(host.groupsDir, 'main', 'memory')
    page.on('dialog', (dialog) => void dialog.accept())
    await page.getByRole('button', { name: 'Memory', exact: true }).click()
    const [text, status] = [page.locator('#memory-text'), page.locator('#memory-status')]
    const save = page.getByRole('button', { name: 'Save', exact: true })
    await text.fill('# Memory\n\n- <img src=x onerror=alert(1)> Zoë likes tea\n')
    await save.click()
    await status.getByText('Saved.', { exact: true }).waitFor()
    expect(readFileSync(join(folder, 'index.md'), 'utf8')).toContain('Zoë likes tea')
    await page.getByLabel('Search the memory').fill('zoe')
    await page.keyboard.press('Enter')
    await page.getByLabel('Found').getByText('likes tea').waitFor()
    await shoot('memory-desktop.png')
    // The agent writes while the person does.
    writeFileSync(join(folder, 'index.md'), '# Memory\n\n- newer\n')
    await text.fill('# Memory\n\n- mine\n')
    await save.click()
    await status.getByText('nothing was saved').waitFor()
    expect(readFileSync(join(folder, 'index.md'), 'utf8')).toContain('newer')
    expect(await text.inputValue()).toContain('- mine')
    await page.getByRole('button', { name: 'Load what is there now' }).click()
    await expect.poll(() => text.inputValue()).toContain('- newer')
    await page.getByLabel('Name of a new page').fill('garden')
    await page.getByRole('button', { name: 'New', exact: true }).click()
    await page.getByLabel('garden.md').fill('- roses')
    await save.click()
    await status.getByText('Saved.', { exact: true }).waitFor()
    await page.getByLabel('Pages').getByRole('button', { name: 'garden.md' }).waitFor()
    await page.getByRole('button', { name: 'Forget this page' }).click()
    await status.getByText('Forgotten: garden.md').waitFor()
    expect(existsSync(join(folder, 'garden.md'))).toBe(false)
    expect(troubles).toEqual([])
  })
})
