// What README promises a new user, walked through from nothing: see docs/first-ten-minutes.md, which this writes.
import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RUNTIMES } from '../../src/config/schema.ts'
import { testAgentImage, whyNoEngine } from '../docker/test-image.ts'
import { type Answer, ModelServer } from '../providers/model-server.ts'
import { HostProcess } from '../rig/host-process.ts'
import { TelegramTalk } from '../rig/telegram-talk.ts'
import { type Emulator, startEmulator } from '../telegram/emulator.ts'
import { talkPage } from './talk-page.ts'
import { type Chapter, documentOf, keptDocument, shapeOf, writeDocument } from './ten-minutes-document.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
/** Of the browser; the machine may be busy. */
const PATIENCE_MS = 120_000
const CHROMIUM = '/usr/bin/chromium'
const KEY = 'sk-key-of-a-new-user-0123456789'
const GROUP = '@TestNameBot'
/** What the document has of the set-up: not what depends on the machine. */
const SHOWN = /^ *(?:Send this|It is good|✓ .*(?:code|message)|telegram:7|Now write)/
/** Newest lines of the private chat: the card, and what was said to it. */
const PRIVATE_SHOWN = 3
const LIST = 'milk, eggs, apples'
const missing = existsSync(CHROMIUM) ? await whyNoEngine() : `there is no ${CHROMIUM}`
if (missing) console.error(`skipped: ${missing}`)

const ours = (name: string, args: object): Answer => ({
  tool: { name: `mcp__creel__${name}`, arguments: args },
})
const shell = (command: string): Answer => ({
  tool: { name: 'Bash', arguments: { command, description: 'as the skill says' } },
})

let telegram: Emulator
let model: ModelServer
let host: HostProcess
let browser: Browser
let page: Page
let talk: TelegramTalk
const chapters: Chapter[] = []

beforeAll(async () => {
  if (missing) return
  await testAgentImage(RUNTIMES)
  ;[telegram, model] = await Promise.all([startEmulator(), ModelServer.start()])
  host = await HostProcess.make()
  // There is nothing yet, not even a creel.toml.
  rmSync(host.tomlFile)
  host.env({ CREEL_MASTER_KEY_FILE: join(host.folder, 'keys', 'master.key'), NODE_COMPILE_CACHE: undefined })
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  page = await browser.newPage({ viewport: { width: 1000, height: 640 } })
  page.setDefaultTimeout(PATIENCE_MS)
  talk = new TelegramTalk(telegram)
})

afterAll(async () => {
  await browser?.close()
  if (host && existsSync(host.socketPath)) await host.creel('down')
  await host?.[Symbol.asyncDispose]()
  await model?.[Symbol.asyncDispose]()
  await telegram?.stop()
})

it.skipIf(missing)(
  'a new user comes from README to an agent that reminds, sees, writes and remembers',
  { timeout: 400_000 },
  async () => {
    await setUp()
    await addToGroup()
    await remind()
    const pictures = await sendPhoto()
    await getPdf()
    await installPackage()
    await lookAtMemory()
    await openPage()
    expect(pictures).toBeGreaterThan(0)
    expect(documentOf(chapters)).not.toContain(KEY)
    expect(documentOf(chapters)).not.toContain(telegram.token)
    if (process.env.CREEL_WRITE_README === '1') writeDocument(chapters)
    expect(shapeOf(keptDocument()), 'write it anew: CREEL_WRITE_README=1 ./creel test web').toBe(
      shapeOf(documentOf(chapters)),
    )
  },
)

/** What the model does when somebody says `part`: one answer after the other, tools among them. */
function script(part: string, ...answers: readonly Answer[]): void {
  for (const answer of [...answers].reverse()) model.once(part, answer)
}

/** Runs what happens in Telegram and keeps it as a chapter. */
async function chapter(title: string, words: string, work: () => Promise<void>): Promise<void> {
  const from = talk.lines.length
  await work()
  chapters.push({ title, words, talk: talk.lines.slice(from) })
}

async function setUp(): Promise<void> {
  script('hello', { text: 'Hello Alice! I keep your lists, and I remind you of things.' })
  const from = talk.lines.length
  const words = ['--yes', '--provider', 'claude', '--key-stdin', '--telegram-token-stdin', '--wait', '300']
  const more = ['--group', 'home', '--persona', 'You keep our lists.']
  const ofTest = ['--base-url', model.url, '--no-check', '--telegram-api', telegram.apiRoot]
  const setup = spawn(process.execPath, [MAIN, 'setup', ...words, ...more, ...ofTest], {
    env: host.environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [setup.stdout, setup.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
  setup.stdin.end(`${KEY}\n${telegram.token}\n`)
  await host.until('the pairing code', () => /private chat: \S{9}/.test(said) || setup.exitCode !== null)
  await talk.say('private', /private chat: (\S{9})/.exec(said)?.[1] ?? `no code: ${said}`)
  await talk.reads('private', 'You are the owner')
  await host.until('the first message', () => said.includes('Now write anything'))
  await talk.say('private', 'hello')
  await talk.reads('private', 'Hello Alice!')
  await host.until('the end of the set-up', () => setup.exitCode !== null)
  expect(setup.exitCode, said).toBe(0)
  const command = `printf '%s\\n%s\\n' "$KEY" "$TOKEN" | ./creel setup ${[...words, '--group', 'home', '--persona', "'You keep our lists.'"].join(' ')}`
  chapters.push({
    title: 'Set up',
    words:
      'One command of README, with a key and a bot’s token. It shows a code; whoever sends it to the bot is the owner.',
    terminal: [command, ...said.split('\n').filter((line) => SHOWN.test(line))].join('\n'),
    talk: talk.lines.slice(from),
  })
}

async function addToGroup(): Promise<void> {
  script('who are you', { text: 'I am home, your agent. Mention me when you need me.' })
  await chapter(
    'Add the bot to a group',
    'Nobody answers that chat yet: the message waits, and the owner is asked.',
    async () => {
      await talk.say('group', `${GROUP} who are you?`)
      await talk.reads('group', 'I may not answer here yet')
      const { text } = await talk.reads('private', '/allow')
      await talk.say('private', /\/allow c\d+/.exec(text)?.[0] ?? '')
      await talk.reads('private', 'is answered by home now')
      await talk.reads('group', 'Mention me')
    },
  )
}

async function remind(): Promise<void> {
  script(
    'put the bins out',
    ours('schedule_task', { name: 'Bins', prompt: 'Remind the family: bins.', in_minutes: 0.05 }),
    { text: 'I will, in three seconds.' },
  )
  script('Remind the family', { text: 'The bins have to go out now!' })
  await chapter('Ask for a reminder', 'The agent makes a task, and is woken when it is due.', async () => {
    await talk.say('group', `${GROUP} remind us in three seconds to put the bins out`)
    await talk.reads('group', 'I will, in three seconds')
    await talk.reads('group', 'The bins have to go out')
  })
}

/** How many calls of the model had the picture itself in them. */
async function sendPhoto(): Promise<number> {
  const picture = await shot(
    `<body style="font:32px DejaVu Sans;background:#fff8c8">${LIST.split(', ')
      .map((one) => `<li>${one}`)
      .join('')}`,
    480,
    320,
  )
  script('What is on the fridge', { text: `A note with three things: ${LIST}.` })
  await chapter('Send a photo', 'The model is shown the picture itself.', async () => {
    await talk.sendPicture(picture, `${GROUP} What is on the fridge?`)
    await talk.reads('group', `three things: ${LIST}`)
  })
  const middle = picture.toString('base64').slice(200, 400)
  return model.calls('What is on the fridge').filter(({ text }) => text.includes(middle)).length
}

async function getPdf(): Promise<void> {
  const items = LIST.split(', ')
    .map((one) => `- ${one}\\n`)
    .join('')
  script(
    'as a PDF',
    shell(
      `mkdir -p documents && printf '# Shopping\\n\\n${items}' > documents/shopping.md && node /skills/pdf/scripts/md2pdf.ts documents/shopping.md documents/shopping.pdf --title Shopping`,
    ),
    ours('send_file', { path: 'documents/shopping.pdf', caption: 'Your list, one page.' }),
    { text: 'Here it is, to print.' },
  )
  await chapter('Get a PDF', 'The skill `pdf` makes it in the sandbox; it comes as a file.', async () => {
    await talk.say('group', `${GROUP} give me that list as a PDF`)
    const pdf = await talk.receives('group')
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
    await talk.reads('group', 'Here it is')
  })
}

async function installPackage(): Promise<void> {
  script(
    'QR code',
    ours('install_packages', { apt: ['qrencode'], reason: 'To make the QR code that Alice wants.' }),
    { text: 'I lack a program for that, and asked for it.' },
  )
  script(
    'They are installed',
    shell('qrencode -s 8 -o wifi.png "WIFI:S:Guests;T:WPA;P:come-on-in;;"'),
    ours('send_file', { path: 'wifi.png', caption: 'Scan it to get into the guest network.' }),
    { text: 'The program is there now. Print it and hang it up.' },
  )
  await chapter(
    'Install a package',
    'The owner is shown exactly what is asked, and presses a button. The host builds the image anew.',
    async () => {
      await talk.say('group', `${GROUP} make a QR code for our guest network`)
      await talk.reads('group', 'asked for it')
      await talk.reads('private', 'qrencode')
      await talk.press('private', 'Install')
      await talk.reads('private', 'are being installed')
      const code = await talk.receives('group')
      expect(code.toString('latin1', 1, 4)).toBe('PNG')
      await talk.reads('group', 'hang it up')
    },
  )
  const png = await shot(
    talkPage('Creel, in private', talk.lines.filter(({ chat }) => chat === 'private').slice(-PRIVATE_SHOWN)),
    480,
    0,
  )
  chapters.push({
    title: 'What the owner was asked',
    words: 'The same in the owner’s private chat, drawn from what the bot sent.',
    picture: { name: 'ten-minutes-approval.png', png, what: 'The card with its buttons' },
  })
}

async function lookAtMemory(): Promise<void> {
  script('allergic', ours('remember', { text: 'Bo is allergic to nuts.' }), {
    text: 'Noted: no nuts for Bo.',
  })
  await chapter(
    'See the memory',
    '`/memory` shows what the agent has noted, with who said it and when.',
    async () => {
      await talk.say('group', `${GROUP} remember that Bo is allergic to nuts`)
      await talk.reads('group', 'Noted: no nuts')
      await talk.say('private', '/memory')
      await talk.reads('private', 'Bo is allergic to nuts')
    },
  )
  const png = await shot(
    talkPage(
      'Family',
      talk.lines.filter(({ chat }) => chat === 'group'),
    ),
    480,
    0,
  )
  chapters.push({
    title: 'The group, as it looks now',
    words: 'Drawn from what the bot sent.',
    picture: { name: 'ten-minutes-telegram.png', png, what: 'The group chat with the agent' },
  })
}

async function openPage(): Promise<void> {
  script('cake for Bo', { text: 'One **without nuts**: Bo is allergic to them. An apple cake?' })
  const link = (await host.creel('link')).trim()
  await page.goto(link)
  await page.getByRole('button', { name: 'Open the chat' }).click()
  await page.locator('#log[aria-busy=false]').waitFor({ state: 'attached' })
  await page.getByLabel('Message', { exact: true }).fill('Which cake for Bo?')
  await page.keyboard.press('Enter')
  await page.locator('.line.agent:not(.partial)', { hasText: 'An apple cake?' }).waitFor()
  // What was noted in the group is known here: it is one agent.
  expect(model.calls('cake for Bo').some(({ text }) => text.includes('Bo is allergic to nuts.'))).toBe(true)
  chapters.push({
    title: 'The same agent on the web page',
    words: '`./creel link` prints a login link. What the agent noted in the group it knows here, too.',
    picture: { name: 'ten-minutes-web.png', png: await page.screenshot(), what: 'The web page' },
  })
}

/** A picture of some HTML; with no height, of all of it. */
async function shot(html: string, width: number, height: number): Promise<Buffer> {
  const one = await browser.newPage({ viewport: { width, height: height || 100 } })
  try {
    await one.setContent(html)
    return await one.screenshot({ fullPage: height === 0, timeout: PATIENCE_MS })
  } finally {
    await one.close()
  }
}
