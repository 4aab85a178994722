import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HostProcess } from '../rig/host-process.ts'
import { ALICE, type Emulator, startEmulator } from '../telegram/emulator.ts'
import { captureInReadme, captureOf, shapeOf, writeToReadme } from './readme-capture.ts'
import { Terminal } from './terminal.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const SETUP = `${process.execPath} --disable-warning=ExperimentalWarning ${MAIN} setup`

let telegram: Emulator
let host: HostProcess
let terminal: Terminal

beforeEach(async () => {
  telegram = await startEmulator()
  // The data directory is chosen in the wizard, where there is nothing yet: not even a creel.toml.
  host = await HostProcess.make({ env: { CREEL_DATA_DIR: undefined } })
  rmSync(host.tomlFile)
  host.env({ CREEL_MASTER_KEY_FILE: join(host.folder, 'keys', 'master.key'), NODE_COMPILE_CACHE: undefined })
  terminal = new Terminal(host.environment)
})

afterEach(async () => {
  terminal[Symbol.dispose]()
  if (existsSync(host.socketPath)) await host.creel('down')
  await host[Symbol.asyncDispose]()
  await telegram.stop()
})

const code = () => /\b([0-9A-Z]{4}-[0-9A-Z]{4})$/m.exec(terminal.screen)?.[1] ?? ''
const texts = async () => (await telegram.sentMessages(ALICE.id)).map(({ text }) => text)

const noService = () => terminal.choose('start with the machine', 'No')

describe('creel setup at a real terminal', () => {
  it('goes from nothing to the first reply on Telegram', async () => {
    terminal.run(`${SETUP} --telegram-api ${telegram.apiRoot}`)
    await terminal.choose('keep its data', 'Another folder')
    await terminal.answer('Folder', host.dataDir)
    await terminal.choose('What thinks', 'None yet')
    await terminal.choose('first agent', 'Make a new one')
    await terminal.answer('Its name', 'home')
    await terminal.answer('Who is it', 'You keep our lists.')
    await terminal.choose('want to talk', 'Telegram')
    await terminal.answer('The token', telegram.token)
    await terminal.choose('Become the owner', 'Yes')
    await terminal.shows(/Send this to the bot, in a private chat: \S{9}$/m)
    await telegram.postPrivateMessage('AAAA-AAAA')
    await telegram.postPrivateMessage(code())
    await noService()
    await terminal.choose('the whole way', 'Yes')
    await terminal.shows('Now write anything to the bot')
    await telegram.postPrivateMessage('hello')
    expect(await terminal.ended()).toBe(0)

    expect(terminal.screen).toMatch(/received +0 ms .*from telegram:7/)
    expect(terminal.screen).toMatch(/sandbox ready +\d+ ms .*started/)
    expect(terminal.screen).toMatch(/delivered +\d+ ms/)
    expect(terminal.screen).toContain('What to do next')
    expect(await texts()).toEqual([
      expect.stringContaining('not the code'),
      expect.stringContaining('You are the owner'),
      expect.stringContaining('demo: hello'),
    ])
    expect(await host.creel('roles', 'list')).toMatch(/telegram:7 .*owner/)
    expect(terminal.screen).not.toContain(telegram.token)
    expect(statSync(host.dataDir).mode & 0o777).toBe(0o700)
    const toml = readFileSync(host.tomlFile, 'utf8')
    expect(toml).toContain(`data_dir = "${host.dataDir}"`)
    expect(toml).not.toContain(telegram.token)

    const capture = captureOf(terminal.history)
    if (process.env.CREEL_WRITE_README === '1') writeToReadme(capture)
    expect(shapeOf(captureInReadme()), 'write it anew: CREEL_WRITE_README=1 ./creel test setup').toBe(
      shapeOf(capture),
    )
  })

  it('can be ended with Ctrl-C at every question and while it works; the next run goes on', {
    timeout: 400_000,
  }, async () => {
    const left = async () => {
      terminal.run(`${SETUP} --telegram-api ${telegram.apiRoot}`)
      await terminal.choose('Begin where', 'With what is left')
    }
    const end = async (what: string) => {
      terminal.press('C-c')
      expect(await terminal.ended(), what).toBe(130)
      expect(terminal.screen).toMatch(/stopped; .*\. Go on with \.\/creel setup/)
    }
    const stop = async (what: string) => {
      await end(what)
      expect(await host.creel('doctor', '--json').catch(({ stdout }) => stdout)).toContain(
        '"check":"settings"',
      )
    }
    terminal.run(SETUP)
    await terminal.asked('keep its data')
    await end('data')
    terminal.run(SETUP)
    await terminal.choose('keep its data', 'Another folder')
    await terminal.asked('Folder')
    await end('folder')
    expect(existsSync(host.tomlFile)).toBe(false)

    terminal.run(SETUP)
    await terminal.choose('keep its data', 'Another folder')
    await terminal.answer('Folder', host.dataDir)
    await terminal.choose('What thinks', 'Claude, with an API key')
    await terminal.asked('The API key')
    terminal.type('sk-typed-and-not-sent')
    await stop('key')

    terminal.run(SETUP)
    await terminal.choose('keep its data', 'Use')
    await terminal.choose('What thinks', 'None yet')
    await terminal.choose('first agent', 'Make a new one')
    await terminal.answer('Its name', 'home')
    await terminal.asked('Who is it')
    await end('persona')
    expect(existsSync(join(host.groupsDir, 'home'))).toBe(false)

    await left()
    await terminal.choose('What thinks', 'Skip')
    await terminal.choose('first agent', 'Make a new one')
    await terminal.answer('Its name', 'home')
    await terminal.answer('Who is it', '')
    await terminal.choose('What drives it', 'demo')
    await terminal.choose('want to talk', 'Telegram')
    await terminal.asked('The token')
    await end('token')

    await left()
    await terminal.choose('want to talk', 'Telegram')
    await terminal.answer('The token', telegram.token)
    await terminal.choose('Become the owner', 'Yes')
    await terminal.shows('Send this to the bot')
    await stop('waiting for the code')

    const only = (step: string) => terminal.run(`${SETUP} --only ${step}`)
    const endpoint = [
      ['talk to it', 'codex'],
      ['Its address', 'http://127.0.0.1:1'],
      ['Its key', ''],
      ['Its model', ''],
    ] as const
    for (const [at, [question]] of endpoint.entries()) {
      only('provider')
      await terminal.choose('What thinks', 'A proxy')
      for (const [before, answer] of endpoint.slice(0, at))
        await (answer === 'codex' ? terminal.choose(before, 'Codex') : terminal.answer(before, answer))
      await terminal.asked(question)
      await end(question)
      expect(readFileSync(host.tomlFile, 'utf8')).not.toContain('base_url')
    }

    only('service')
    await terminal.asked('start with the machine')
    await end('service')
    only('trip')
    await terminal.asked('the whole way')
    await end('trip')

    // Creel runs on, and the code is still good.
    only('channel trip')
    await terminal.choose('want to talk', 'Telegram: become its owner')
    await terminal.shows(/Send this to the bot, in a private chat: \S{9}$/m)
    await telegram.postPrivateMessage(code())
    await terminal.choose('the whole way', 'Yes')
    await terminal.shows('Now write anything to the bot')
    await stop('waiting for a message')
    expect(await host.creel('chat', 'home', '-m', 'still there?')).toContain('demo: still there?')
  })
})

describe('creel setup without questions', () => {
  it('does the same in one command', async () => {
    const command = `${SETUP} --yes --data-dir ${host.dataDir} --provider demo --group home --telegram-token-stdin`
    const more = `--telegram-api ${telegram.apiRoot} --wait 60 --json`
    host.env({ BOT_TOKEN: telegram.token })
    const another = new Terminal(host.environment)
    try {
      another.run(`printf '%s\\n' "$BOT_TOKEN" | ${command} ${more} > ${host.folder}/result.json`)
      await another.shows(/Send this to the bot, in a private chat: \S{9}$/m)
      await telegram.postPrivateMessage(
        `/start ${/chat: (\S{9})$/m.exec(another.screen)?.[1]?.replace('-', '')}`,
      )
      await another.shows('Now write anything to the bot')
      await telegram.postPrivateMessage('good morning')
      expect(await another.ended()).toBe(0)
    } finally {
      another[Symbol.dispose]()
    }
    const result = JSON.parse(readFileSync(join(host.folder, 'result.json'), 'utf8'))
    expect(result).toMatchObject({ group: 'home', done: expect.arrayContaining(['channel', 'trip']) })
    expect(result.hops.map(({ hop }: { hop: string }) => hop)).toEqual(
      expect.arrayContaining([
        'received',
        'routed',
        'sandbox ready',
        'turn begun',
        'turn ended',
        'delivered',
      ]),
    )
    expect((await texts()).at(-1)).toContain('demo: good morning')
  })
})
