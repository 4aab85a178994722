import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'toml'
import { describe, expect, it } from 'vitest'
import { InstallConfig } from '../../src/config/schema.ts'

const text = readFileSync(join(import.meta.dirname, '../../creel.example.toml'), 'utf8')

describe('creel.example.toml', () => {
  it('shows every key with its default, and no other', () => {
    // The list of bots is empty by default; its section stands there as a comment.
    const { telegram, ...defaults } = InstallConfig.parse({})
    expect(telegram).toEqual([])
    expect(parse(text)).toEqual(defaults)
  })

  it('shows every key of a bot', () => {
    const section = text.slice(text.indexOf('# [[telegram]]'))
    const settings = section
      .split('\n')
      .map((line) => line.replace(/^# /, ''))
      .filter((line) => line.startsWith('[[') || line.includes(' = '))
    const { telegram } = InstallConfig.parse(parse(settings.join('\n')))
    expect(telegram).toEqual([
      { account: 'main', token_secret: 'telegram/main', token_file: '', api_root: '' },
    ])
    const shape = InstallConfig.shape.telegram.unwrap().element.shape
    expect(settings.slice(1).map((line) => line.split(' = ')[0])).toEqual(Object.keys(shape))
  })

  it('explains every key on the line above it', () => {
    const lines = text.split('\n')
    lines.forEach((line, index) => {
      if (/^(# )?\w+ = /.test(line)) expect(lines[index - 1], line).toMatch(/^# [A-Z].*\.$|^# trace, /)
    })
  })
})
