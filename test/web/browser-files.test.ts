import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebWorld } from './web-world.ts'

const CHROMIUM = '/usr/bin/chromium'
const QUIET = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const WAIT = { timeout: 15_000, interval: 20 }
/** Names a folder for screenshots; none are taken without. */
const SHOTS = process.env.CREEL_SCREENSHOTS

if (!existsSync(CHROMIUM)) console.log(`web page tests skipped: there is no ${CHROMIUM}`)

describe.skipIf(!existsSync(CHROMIUM))('files on the page in a browser', { timeout: 60_000 }, () => {
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
    world.files.image = { mime: 'image/png', width: 320, height: 200 }
    context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
    context.setDefaultTimeout(8_000)
    page = await context.newPage()
    troubles = []
    page.on('pageerror', (error) => troubles.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') troubles.push(message.text())
    })
    await page.goto(world.channel.createLoginLink())
    await page.getByRole('button', { name: 'Open the chat' }).click()
    await page.locator('#log[aria-busy=false]').waitFor({ state: 'attached' })
  })
  afterEach(async () => {
    await context.close()
    await world[Symbol.asyncDispose]()
  })

  const picture = { name: 'sunset.png', mimeType: 'image/png', buffer: makePng(320, 200) }
  const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('some notes') }
  /** Width that a picture really has once it is loaded. */
  const loaded = (name: string) =>
    page
      .getByRole('img', { name })
      .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)

  it('are attached, sent with or without words, and shown', async () => {
    await page.locator('#pick').setInputFiles([picture, notes])
    await page.getByRole('button', { name: 'Remove notes.txt' }).click()
    await page.getByLabel('Message', { exact: true }).fill('look at this')
    await page.keyboard.press('Enter')
    await vi.waitFor(() => expect(world.taken).toHaveLength(1), WAIT)
    expect(world.taken[0]?.files).toMatchObject([{ kind: 'image', name: 'sunset.png' }])
    await vi.waitFor(async () => expect(await loaded('sunset.png')).toBe(320), WAIT)
    await page.locator('#pick').setInputFiles([notes])
    await page.getByRole('button', { name: 'Send' }).click()
    await vi.waitFor(() => expect(world.taken).toHaveLength(2), WAIT)
    world.files.image = { mime: 'image/png', width: 320, height: 200 }
    const stored = world.files.put(picture.buffer)
    for (const [index, name] of ['chart.png', 'report.pdf'].entries()) {
      const file = { ...stored, image: index === 0 ? stored.image : null, name, mime: 'x/y' }
      const [part = ''] = world.channel.renderFile(file, index === 0 ? 'The **week** as a picture' : '')
      await world.channel.send(world.address(), part, `k${index}`, new AbortController().signal)
    }
    await vi.waitFor(async () => expect(await loaded('chart.png')).toBe(320), WAIT)
    expect(await page.locator('a.file[download="report.pdf"]').isVisible()).toBe(true)
    const spoken = { ...world.files.put(wave(0.5)), name: 'answer.wav', mime: 'audio/wav' }
    const [part = ''] = world.channel.renderFile({ ...spoken, image: null }, '')
    await world.channel.send(world.address(), part, 'spoken', new AbortController().signal)
    const player = page.locator('audio')
    await player.waitFor(WAIT)
    expect(await player.evaluate((audio: HTMLAudioElement) => audio.readyState)).toBe(0)
    await player.evaluate((audio: HTMLAudioElement) => audio.load())
    await player.evaluate((audio: HTMLAudioElement) => audio.play())
    await vi.waitFor(
      async () => expect(await player.evaluate((audio: HTMLAudioElement) => audio.duration)).toBeCloseTo(0.5),
      WAIT,
    )
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByText('report.pdf').click(),
    ])
    expect(download.suggestedFilename()).toBe('report.pdf')
    if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, 'files.png') })
    await page.reload()
    await vi.waitFor(async () => expect(await loaded('sunset.png')).toBe(320), WAIT)
    expect(troubles).toEqual([])
  })

  it('are pasted and dropped', async () => {
    // As text: the tests' own types know no browser.
    for (const type of ['paste', 'drop'])
      await page.evaluate(`(() => {
        const data = new DataTransfer()
        data.items.add(new File(['hello'], '${type}.txt'))
        const init = { bubbles: true, cancelable: true }
        const event = '${type}' === 'paste'
          ? new ClipboardEvent('paste', { ...init, clipboardData: data })
          : new DragEvent('drop', { ...init, dataTransfer: data })
        document.getElementById('text').dispatchEvent(event)
      })()`)
    await page.getByRole('button', { name: 'Remove drop.txt' }).waitFor()
    await page.getByRole('button', { name: 'Send' }).click()
    await vi.waitFor(() => expect(world.taken).toHaveLength(1), WAIT)
    expect(world.taken[0]?.files?.map(({ name }) => name)).toEqual(['paste.txt', 'drop.txt'])
    expect(troubles).toEqual([])
  })

  it('that are too large are told of, and can be taken out again', async () => {
    await page.locator('#pick').setInputFiles([{ ...notes, buffer: Buffer.alloc(1_100_000) }])
    await page.getByLabel('Message', { exact: true }).fill('too much')
    await page.keyboard.press('Enter')
    await page.getByText('Not sent: Too large: at most 1.0 MB').waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('button', { name: 'Remove notes.txt' }).click()
    await page.keyboard.press('Enter')
    expect(world.taken.every(({ files }) => files === undefined)).toBe(true)
  })
})

/** A picture with a gradient. */
function makePng(width: number, height: number): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 3))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * (1 + width * 3) + 1 + x * 3
      rows.set([255 - (y >> 1), Math.max(0, 150 - (y >> 1)), 60 + (x * 120) / width], at)
    }
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const ends = [Buffer.alloc(4), Buffer.alloc(4)] as const
    ends[0].writeUInt32BE(data.length)
    ends[1].writeUInt32BE(crc32(body))
    return Buffer.concat([ends[0], body, ends[1]])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width)
  head.writeUInt32BE(height, 4)
  head.set([8, 2], 8)
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    magic,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** A silence of so many seconds as a WAV file: 8 bits, 8,000 a second. */
function wave(seconds: number): Buffer {
  const samples = Math.round(seconds * 8_000)
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + samples, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(8_000, 24)
  head.writeUInt32LE(8_000, 28)
  head.writeUInt16LE(1, 32)
  head.writeUInt16LE(8, 34)
  head.write('data', 36)
  head.writeUInt32LE(samples, 40)
  return Buffer.concat([head, Buffer.alloc(samples, 128)])
}
