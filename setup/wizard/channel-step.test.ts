import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Script, ScriptedPrompter } from '../../test/fakes/scripted-prompter.ts'
import { SetupRig } from '../../test/rig/setup-world.ts'
import { SetupAnswers } from './answers.ts'
import { setUpUnattended, setUpWithQuestions } from './setup.ts'
import { askWhoseToken, privacyLines, tokenProblem } from './telegram-bot.ts'

const TOKEN = '123456789:AAFsecret-of-the-test-bot_0123456789'
const OTHER = '987654321:AAFsecret-of-another-bot_0123456789'

let rig: SetupRig
beforeEach(() => {
  rig = new SetupRig()
})
afterEach(() => rig[Symbol.dispose]())

const toml = () => readFileSync(rig.cli.tomlFile, 'utf8')
async function kept(): Promise<unknown[]> {
  using core = rig.cli.core()
  return (await core.vault.read()).secrets.map(({ name, value }) => [name, 'key' in value ? value.key : ''])
}
async function ask(script: Script) {
  const prompter = new ScriptedPrompter(script)
  await setUpWithQuestions(rig.world(), prompter, ['channel'])
  expect(prompter.left).toBe(0)
  return prompter
}

describe('a Telegram bot', () => {
  const bot = (api_root: string, more: object = {}) =>
    setUpUnattended(
      rig.world(),
      SetupAnswers.parse({ trip: false, telegram: { token: TOKEN, api_root, ...more } }),
      ['channel'],
    )

  it('is connected when Telegram knows its token, and may have an owner from the start', async () => {
    const api = await rig.botApi(TOKEN, { can_read_all_group_messages: false })
    await bot(api, { owner: 'telegram:7' })
    expect(toml()).toContain(`[[telegram]]\ntoken_secret = "telegram/main"\napi_root = "${api}"\n`)
    expect(await kept()).toEqual([['telegram/main', TOKEN]])
    expect((await rig.cli.run('roles', 'list')).out).toMatch(/telegram:7 +- +owner/)
    expect(rig.text).toContain('privacy mode is on')
    expect(rig.text).not.toContain(TOKEN)
  })

  it('gets another token without another section', async () => {
    const api = await rig.botApi(TOKEN)
    rig.cli.config(`${toml()}# mine\n[[telegram]]\ntoken_secret = "telegram/main"\napi_root = "${api}"\n`)
    const before = toml()
    const { notes, complaints } = await ask([
      ['want to talk', 'telegram'],
      ['The token', 'not a token'],
      ['The token', OTHER],
      ['did not work out', 'again'],
      ['want to talk', 'telegram'],
      ['The token', TOKEN],
      ['Become the owner', 'later'],
    ])
    expect(complaints).toEqual([expect.stringContaining('@BotFather')])
    expect(notes.join()).toContain('@test_bot is connected')
    expect(rig.text).toContain('does not know this token')
    expect(rig.text).not.toContain(OTHER)
    expect(toml()).toBe(before)
    expect(await kept()).toEqual([['telegram/main', TOKEN]])
  })

  it('whose token lies in a file keeps it there', async () => {
    const api = await rig.botApi(TOKEN)
    rig.cli.config(`${toml()}[[telegram]]\ntoken_file = "bot.token"\n`)
    await expect(bot(api)).rejects.toMatchObject({ hint: expect.stringContaining('token_secret') })
    expect(await kept()).toEqual([])
  })

  it('is not connected without a token, or when Telegram is not reached', async () => {
    await expect(bot('http://127.0.0.1:9')).rejects.toThrow('could not be asked')
    await expect(
      setUpUnattended(rig.world(), SetupAnswers.parse({ telegram: {} }), ['channel']),
    ).rejects.toThrow('needs the token')
    expect(toml()).not.toContain('telegram')
    expect(await kept()).toEqual([])
  })

  it('stops asking when the set-up is stopped', async () => {
    const stop = new AbortController()
    stop.abort(new Error('got SIGINT'))
    await expect(askWhoseToken(TOKEN, 'http://127.0.0.1:9', stop.signal)).rejects.toThrow('got SIGINT')
  })
})

describe('what is said of a bot', () => {
  it.each([
    [{ readsAllInGroups: false, joinsGroups: true }, '/setprivacy'],
    [{ readsAllInGroups: true, joinsGroups: true }, 'hears every message'],
    [{ readsAllInGroups: null, joinsGroups: false }, '/setjoingroups'],
  ])('goes by %j', (me, words) => {
    expect(privacyLines({ username: 'b', ...me }).join(' ')).toContain(words)
  })

  it('tells a token from something else', () => {
    expect(tokenProblem(TOKEN)).toBeUndefined()
    for (const text of ['x', '@my_bot', `${TOKEN} x`]) expect(tokenProblem(text)).toContain('expected')
  })
})
