import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ScribeServer } from '../rig/scribe-server.ts'
import { CliRig } from './cli-rig.ts'

const KEY = 'sk-typed-0123456789abcdef'
const NOBODY = '[models.anthropic]\nbase_url = "http://127.0.0.1:1"\n'

let cli: CliRig
let server: ScribeServer
beforeEach(async () => {
  cli = new CliRig()
  server = await ScribeServer.start()
  mkdirSync(join(cli.groupsDir, 'one'), { recursive: true })
  writeFileSync(join(cli.groupsDir, 'one', 'container.json'), '{}')
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  cli[Symbol.dispose]()
})

const settings = (lines: string) => writeFileSync(cli.tomlFile, `${NOBODY}[transcription]\n${lines}\n`)

async function findings(check: string, ...more: string[]) {
  const { out, err } = await cli.run('doctor', '--json', ...more)
  if (out === '') throw new Error(err)
  const all = JSON.parse(out) as { check: string; level: string; text: string; hint?: string }[]
  return all.filter((one) => one.check === check).map(({ level, text }) => [level, text])
}

describe('creel doctor looks at what transcribes voice messages', () => {
  it('and says that it is off, or which program does it, or that there is none', async () => {
    expect(await findings('voice')).toEqual([['ok', 'not transcribed ([transcription] in creel.toml)']])
    settings(`command = ["${process.execPath}", "{file}"]`)
    expect(await findings('voice')).toEqual([['ok', `transcribed by ${process.execPath}`]])
    settings('command = ["whisper-that-is-not-there"]')
    expect(await findings('voice')).toEqual([
      ['problem', 'the program of [transcription] is not there or may not be run: whisper-that-is-not-there'],
    ])
  })

  it('and whether a key is missing', async () => {
    settings(`base_url = "${server.url}"\nsecret = "openai/main"`)
    expect(await findings('voice')).toEqual([
      ['problem', '[transcription] names the secret openai/main, which is not in the vault'],
    ])
    cli.typed.push(KEY)
    await cli.run('vault', 'set', 'openai/main')
    expect(await findings('voice')).toEqual([['ok', `transcribed at ${server.url}`]])
  })

  it('and with --live has a recording of its own transcribed', async () => {
    settings(
      `command = ["${process.execPath}", "-e", "process.exit(require('fs').statSync(process.argv[1]).size === 32044 ? 0 : 1)", "{file}"]`,
    )
    expect(await findings('live voice', '--live')).toEqual([
      ['ok', expect.stringMatching(/^it takes a recording \(\d+ ms\)$/)],
    ])
    expect(existsSync(join(cli.dataDir, 'voice-test'))).toBe(false)
    settings('command = ["/bin/sh", "-c", "echo no model >&2; exit 4"]')
    expect(await findings('live voice', '--live')).toEqual([
      ['problem', 'the transcription program failed (code 4): no model'],
    ])
    settings(`base_url = "${server.url}"\nsecret = "openai/main"`)
    cli.typed.push(KEY)
    await cli.run('vault', 'set', 'openai/main')
    const [[level, text] = []] = await findings('live voice', '--live')
    expect([level, text]).toEqual(['problem', expect.stringContaining('refused it (400)')])
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}`])
  })
})

describe('settings of transcription', () => {
  it.each([
    [
      'command = ["a"]\nbase_url = "https://a.example"',
      'transcription.base_url: expected nothing beside a command: one of the two',
    ],
    ['secret = "openai/main"', 'transcription.secret: expected nothing without base_url, got'],
    [
      'base_url = "http://nas.lan"\nsecret = "openai/main"',
      'expected an https address, or one of this machine, since a key goes there',
    ],
    ['base_url = "https://u:p@a.example"', 'transcription.base_url'],
    ['language = "German; rm"', 'transcription.language'],
  ])('that cannot work are an error that says which: %j', async (lines, problem) => {
    settings(lines)
    const { err, code } = await cli.run('status')
    expect(err).toContain(problem)
    expect(code).toBe(1)
  })
})
