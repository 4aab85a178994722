import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunnerSettings } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withModuleFragments } from './module-fragments.ts'
import { providerInstructions } from './provider-instructions.ts'

const LIMIT = 8_000

let homeDir: string
let whole: string
let logged: object[]

beforeEach(() => {
  homeDir = mkdtempSync(join(tmpdir(), 'creel-instructions-'))
  whole = join(homeDir, '.creel', 'instructions.md')
  logged = []
})
afterEach(() => rmSync(homeDir, { recursive: true }))

function instructions(more: object): string {
  const settings = RunnerSettings.parse({
    protocol: 1,
    group: 'family',
    provider: 'demo',
    concurrency: 4,
    turnTimeoutMs: 600_000,
    maxAttempts: 3,
    pollMs: 1_000,
    ...more,
  })
  const log = (event: string, fields: object = {}) => void logged.push({ event, ...fields })
  return providerInstructions({ homeDir, settings, log }, LIMIT)
}

describe('the instructions of a provider', () => {
  it('begin with where the agent is, then its persona, then what parts of Creel add', () => {
    const text = instructions({
      instructions: '# Who you are\nAnn.\n',
      fragments: [{ name: 'tools', text: '# Tools\nOne.' }],
    })
    expect(text).toMatch(/^# Where you are\n[\s\S]*\n\n# Who you are\nAnn\.\n\n# Tools\nOne\.$/)
    for (const word of ['"family"', 'NO_REPLY', '/workspace', '/memory']) expect(text).toContain(word)
    expect(logged).toEqual([])
    expect(existsSync(whole)).toBe(false)
  })

  it('that do not fit are whole where they say, and the log names what is missing', () => {
    const text = instructions({
      instructions: 'y'.repeat(20_000),
      fragments: [{ name: 'tools', text: 'z'.repeat(500) }],
    })
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LIMIT)
    expect(text).toContain(whole)
    expect(readFileSync(whole, 'utf8')).toMatch(/^# Where you are[\s\S]*\n\ny{20000}\n\nz{500}\n$/)
    expect(logged).toEqual([
      expect.objectContaining({ event: 'instructions_shortened', leftOut: 'tools', cut: 'AGENTS.md' }),
    ])
  })

  it('are not written through a link that the agent planted, nor into a folder of that name', () => {
    const mine = join(homeDir, 'mine')
    writeFileSync(mine, 'mine')
    mkdirSync(join(homeDir, '.creel'))
    symlinkSync(mine, whole)
    instructions({ instructions: 'y'.repeat(20_000) })
    expect(readFileSync(mine, 'utf8')).toBe('mine')
    rmSync(whole)
    mkdirSync(join(whole, 'deep'), { recursive: true })
    instructions({ instructions: 'y'.repeat(20_000) })
    expect(readFileSync(whole, 'utf8')).toContain('yyy')
    instructions({ instructions: 'short' })
    expect(existsSync(whole)).toBe(false)
  })
})

it('parts of the runner add to what the host gave', () => {
  const given = { name: 'host', text: 'From the host.', optional: true }
  const settings = RunnerSettings.parse({
    protocol: 1,
    group: 'family',
    provider: 'demo',
    fragments: [given],
    concurrency: 4,
    turnTimeoutMs: 600_000,
    maxAttempts: 3,
    pollMs: 1_000,
  })
  expect(withModuleFragments(settings).fragments[0]).toEqual(given)
})
