import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'toml'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Change, changedText, changeSettings } from './settings-file.ts'

const MINE = `# my Creel
data_dir = "data" # on the big disk

[web]
# the port of mine
port = 4300

# both bots
[[telegram]]
token_file = "bot.token"
`
const BASE_URL: Change = { table: 'models.openai', key: 'base_url', value: 'http://localhost:11434' }
const BOT: Change = { list: 'telegram', keys: { account: 'second', token_secret: 'telegram/second' } }
const change = (text: string, ...changes: Change[]) => changedText('creel.toml', text, changes)

describe('a change of creel.toml', () => {
  it('replaces one line and keeps the comment behind it', () => {
    expect(change(MINE, { table: '', key: 'data_dir', value: '/srv/a "b" # c' })).toBe(
      MINE.replace('"data"', '"/srv/a \\"b\\" # c"'),
    )
  })

  it('puts a new key of the top before the first table and its comment', () => {
    const text = change('# bots\n[[telegram]]\ntoken_file = "x"\n', {
      table: '',
      key: 'data_dir',
      value: 'd',
    })
    expect(text).toBe('data_dir = "d"\n\n# bots\n[[telegram]]\ntoken_file = "x"\n')
  })

  it('puts a new key into its table, and a new table or entry at the end', () => {
    const text = change(MINE, { table: 'web', key: 'host', value: '0.0.0.0' }, BASE_URL, BOT)
    expect(text).toContain('[web]\nhost = "0.0.0.0"\n# the port of mine\nport = 4300\n')
    expect(text.startsWith(MINE.slice(0, MINE.indexOf('[web]')))).toBe(true)
    expect(
      text.endsWith(
        '[models.openai]\nbase_url = "http://localhost:11434"\n\n[[telegram]]\naccount = "second"\ntoken_secret = "telegram/second"\n',
      ),
    ).toBe(true)
    expect(parse(text)).toMatchObject({ web: { host: '0.0.0.0', port: 4300 }, telegram: [{}, {}] })
  })

  it('is the same text when it is made again', () => {
    const once = change(MINE, BASE_URL)
    expect(change(once, BASE_URL)).toBe(once)
  })

  it('works on the example with every key, and on no file at all', () => {
    const example = readFileSync(resolve(import.meta.dirname, '../../creel.example.toml'), 'utf8')
    const text = change(example, BASE_URL, BOT)
    expect(parse(text)).toMatchObject({ models: { openai: { base_url: 'http://localhost:11434' } } })
    expect(text.split('\n').length).toBe(example.split('\n').length + 4)
    expect(change('', BOT)).toContain('creel.example.toml shows every key')
  })

  it.each([
    ['an inline table', 'models = { openai = { base_url = "http://a.example" } }\n', BASE_URL],
    ['dotted keys', 'models.openai.base_url = "http://a.example"\n', BASE_URL],
    ['a value over many lines', 'data_dir = """\na"""\n', { table: '', key: 'data_dir', value: 'b' }],
    ['a list in one line', 'telegram = [{ token_file = "x" }]\n', BOT],
  ] as [string, string, Change][])('refuses %s and shows the lines to type', (_what, text, wanted) => {
    expect(() => change(text, wanted)).toThrow(
      expect.objectContaining({
        code: 'conflict',
        hint: expect.stringMatching(/base_url = |data_dir = |\[\[telegram\]\]/),
      }),
    )
  })

  it('refuses what the settings do not take', () => {
    expect(() => change(MINE, { table: 'models.openai', key: 'base_url', value: 'nonsense' })).toThrow()
  })

  it('keeps the mode of the file and follows a link to it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'creel-settings-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [real, link] = [join(folder, 'real.toml'), join(folder, 'creel.toml')]
    writeFileSync(real, MINE, { mode: 0o600 })
    symlinkSync(real, link)
    changeSettings(link, [BASE_URL])
    expect(readFileSync(real, 'utf8')).toContain('11434')
    expect(statSync(real).mode & 0o777).toBe(0o600)
  })
})
