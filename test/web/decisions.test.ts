import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { type Asked, type Decider, testDecisions } from '../contract/decisions.ts'
import { testAgentImage } from '../docker/test-image.ts'
import { ALICE, keysOf } from '../telegram/emulator.ts'
import { type Side, TwoChannels, whyNoChannels } from './two-channels.ts'

const AGENT = 'asker'
/** Not the owner, but called the same. */
const OTHER = { ...ALICE, id: 8 }
const missing = await whyNoChannels()
if (missing) console.error(`skipped: ${missing}`)

let both: TwoChannels
beforeAll(async () => {
  if (missing) return
  await testAgentImage()
  both = await TwoChannels.start({ group: AGENT }, ({ groupsDir }) => {
    for (const name of [AGENT, 'other']) {
      mkdirSync(join(groupsDir, name), { recursive: true })
      writeFileSync(join(groupsDir, name, 'container.json'), '{"provider":"demo"}')
    }
  })
})
// An agent asks only so often in an hour.
afterEach(() => both?.sql("UPDATE approval SET asked_at = 1 WHERE state <> 'asked'"))
afterAll(() => both?.[Symbol.asyncDispose]())

/** What is the same on both channels. */
abstract class SideDecider {
  protected readonly side: Side

  constructor(side: Side) {
    this.side = side
  }

  async ask({ kind, mark, button }: Asked): Promise<void> {
    const call =
      kind === 'request'
        ? `request_egress {"host":"${mark}.example.com","reason":"to see it"}`
        : `ask_user {"question":"Is it ${mark}?","options":["${button}","No"]}`
    await this.side.say(`/demo tool ${call}`)
    await both.host.until('the ask', async () => (await this.newest()).payload.includes(mark))
    await both.nothingOnItsWay()
  }

  async newest(): Promise<{ state: string; payload: string }> {
    return both.row('SELECT state, payload FROM approval ORDER BY id DESC') ?? { state: '', payload: '' }
  }

  press(label: string): Promise<void> {
    return this.side.press(label)
  }

  sees(part: string): Promise<void> {
    return this.side.sees(part)
  }

  async count(part: string): Promise<number> {
    await both.nothingOnItsWay()
    return (await this.side.shown()).split(part).length - 1
  }

  async restartHost(): Promise<void> {
    await both.host.kill()
    await both.host.start()
  }

  change(assignments: string): void {
    both.sql(`UPDATE approval SET ${assignments} WHERE state = 'asked'`)
  }

  async allowed(): Promise<string> {
    return JSON.stringify(await both.host.call('egress-list', {}))
  }
}

class TelegramDecider extends SideDecider implements Decider {
  #data = ''

  async pressAsOther(label: string): Promise<void> {
    const before = await this.#refusals()
    await both.emulator.press(label, ALICE.id, OTHER)
    await both.host.until('the refusal', async () => (await this.#refusals()) > before)
  }

  async #refusals(): Promise<number> {
    return (await this.side.shown()).split(/Only an owner|not for you to answer/).length
  }

  async remember(label: string): Promise<void> {
    const keys = (await both.emulator.sentMessages(ALICE.id)).flatMap(keysOf)
    this.#data = keys.findLast(({ text }) => text === label)?.callback_data ?? 'no such button'
  }

  async repeat(): Promise<string> {
    await both.nothingOnItsWay()
    const before = (await this.side.shown()).length
    const news = async () => (await this.side.shown()).slice(before)
    await both.emulator.pressData(this.#data, ALICE.id)
    await both.host.until('the word about it', async () => /too late|already/.test(await news()))
    return await news()
  }
}

class PageDecider extends SideDecider implements Decider {
  #press = { line: 0, choice: 0 }

  /** On the page there is only the owner: it is one who is none any more. */
  async pressAsOther(label: string): Promise<void> {
    const owner = { user: 'web:owner', role: 'owner' }
    await both.host.call('revoke', owner)
    const before = await this.#refusals()
    await this.remember(label)
    await this.#send()
    await both.host.until('the refusal', async () => (await this.#refusals()) > before)
    await both.host.call('grant', owner)
  }

  async #refusals(): Promise<number> {
    return (await this.side.shown()).split(/Only an owner|not for you to answer/).length
  }

  async remember(label: string): Promise<void> {
    const newest =
      "SELECT id, choices FROM own_chat_line WHERE channel = 'web' AND choices <> '[]' ORDER BY id DESC"
    const { id = 0, choices = '[]' } = both.row<{ id: number; choices: string }>(newest) ?? {}
    const labels = (JSON.parse(choices) as { label: string }[]).map((one) => one.label)
    this.#press = { line: id, choice: labels.indexOf(label) }
  }

  repeat(): Promise<string> {
    return this.#send()
  }

  /** As the page sends it. */
  #send(): Promise<string> {
    const body = JSON.stringify({ ...this.#press, id: crypto.randomUUID() })
    const script = `fetch('/api/chats/${AGENT}/presses', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: ${JSON.stringify(body)} }).then(async (answer) => answer.status + ' ' + (await answer.text()))`
    return both.page.evaluate(script)
  }
}

describe.skipIf(missing).each(['telegram', 'web'] as const)('buttons: %s', (name) => {
  let decider: Decider | undefined
  testDecisions(name, () => {
    decider ??= name === 'telegram' ? new TelegramDecider(both.telegram) : new PageDecider(both.web)
    return decider
  })
})
