import { Api } from 'grammy'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { offerCommands } from '../../src/adapters/channels/telegram/command-menu.ts'
import { CHAT_COMMANDS } from '../../src/chat-commands/table.ts'
import { announceEmulator, type Emulator, startEmulator } from './emulator.ts'

let telegram: Emulator
beforeAll(async () => {
  announceEmulator()
  telegram = await startEmulator()
})
afterAll(() => telegram.stop())

const commands = CHAT_COMMANDS.map(({ name, help }) => ({ command: name, description: help }))
const said: unknown[] = []
const log = {
  debug: (fields: object) => void said.push(fields),
  ...{ info: () => undefined, warn: () => undefined, error: () => undefined },
}
const offer = async () => {
  const api = new Api(telegram.token, { apiRoot: telegram.apiRoot })
  await offerCommands(api, commands, log, new AbortController().signal)
}
const calls = () => telegram.calls.filter(({ method }) => method === 'setMyCommands').length

describe('the menu of commands', () => {
  it('is what Telegram takes', () => {
    for (const { command, description } of commands) {
      expect(command).toMatch(/^[a-z0-9_]{1,32}$/)
      expect(description.length).toBeGreaterThan(0)
      expect(description.length).toBeLessThanOrEqual(256)
    }
  })

  it('is set once, and again when it changed', async () => {
    await offer()
    await offer()
    expect(telegram.menu).toEqual(commands)
    expect(calls()).toBe(1)
    telegram.menu = [{ command: 'stop', description: 'of an older version' }]
    await offer()
    expect(telegram.menu).toEqual(commands)
  })

  it('that somebody made otherwise stays', async () => {
    const theirs = [{ command: 'weather', description: 'what it is like' }]
    telegram.menu = theirs
    await offer()
    expect(telegram.menu).toEqual(theirs)
  })

  it('does without when Telegram refuses, and tells no secret', async () => {
    telegram.fault('getMyCommands', {
      type: 'answer',
      status: 429,
      text: 'slow',
      parameters: { retry_after: 9 },
    })
    await offer()
    expect(said).toHaveLength(1)
    expect(JSON.stringify(said)).not.toContain(telegram.token)
  })
})
