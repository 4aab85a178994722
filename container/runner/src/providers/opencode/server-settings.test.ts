import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunnerSettings, TurnLimits } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { messageId } from './message-id.ts'
import { modelName } from './model-name.ts'
import { prepareFolders, type ServerFolders, serverFolders, writeInstructions } from './server-folders.ts'
import { serverConfig, serverEnv } from './server-settings.ts'

const URLS = { anthropic: 'http://127.0.0.1:1/anthropic/v1', openai: 'http://127.0.0.1:1/openai/v1' }
const SETTINGS: RunnerSettings = {
  protocol: 1,
  group: 'test',
  provider: 'opencode',
  instructions: '',
  fragments: [],
  mcpServers: {},
  concurrency: 1,
  turnTimeoutMs: 1,
  limits: TurnLimits.parse({}),
  maxAttempts: 1,
  pollMs: 1,
}

let home: string
let folders: ServerFolders
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'creel-opencode-'))
  folders = serverFolders(home)
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

describe('the configuration', () => {
  it('reaches the models through the gateway, with a placeholder for the key', () => {
    expect(serverConfig(SETTINGS, URLS, '/skills')).toMatchObject({
      model: 'anthropic/claude-sonnet-4-5',
      small_model: 'anthropic/claude-sonnet-4-5',
      enabled_providers: ['anthropic', 'openai'],
      skills: { paths: ['/skills'] },
      provider: {
        anthropic: { options: { baseURL: URLS.anthropic, apiKey: 'placeholder' } },
        openai: { options: { baseURL: URLS.openai, apiKey: 'placeholder' } },
      },
    })
  })

  it('allows every tool and takes questions to nobody away', () => {
    expect(serverConfig(SETTINGS, URLS, '/skills')).toMatchObject({
      permission: { '*': 'allow', question: 'deny' },
    })
  })

  it('names a model that the server may not know yet', () => {
    const config = serverConfig({ ...SETTINGS, model: 'openai/gpt-99' }, URLS, '/skills')
    expect(config).toMatchObject({
      model: 'openai/gpt-99',
      provider: { openai: { models: { 'gpt-99': {} } } },
    })
  })

  it('has the tool servers of the group, local and remote', () => {
    const mcpServers: RunnerSettings['mcpServers'] = {
      lab: { command: 'node', args: ['lab.mjs'], env: { A: 'b' } },
      far: { url: 'http://127.0.0.1:3128/mcp' },
    }
    expect(serverConfig({ ...SETTINGS, mcpServers }, URLS, '/skills')).toMatchObject({
      mcp: {
        lab: { type: 'local', command: ['node', 'lab.mjs'], environment: { A: 'b' }, enabled: true },
        far: { type: 'remote', url: 'http://127.0.0.1:3128/mcp', oauth: false },
      },
    })
  })

  it('lets no variable be empty, for which the server refuses to start', () => {
    const env = serverEnv({ tools: {}, folders, config: {}, password: 'p', mark: 'm' })
    expect(Object.entries(env).filter(([, value]) => value === '')).toEqual([])
  })
})

describe('the folders', () => {
  it('are made anew at each start, but for the sessions', () => {
    prepareFolders(folders)
    const data = join(folders.data, 'opencode')
    writeFileSync(join(data, 'opencode.db'), 'sessions')
    writeFileSync(join(data, 'auth.json'), '{"https://evil":{"type":"wellknown"}}')
    writeFileSync(join(folders.config, 'opencode', 'opencode.json'), '{"plugin":["evil"]}')
    mkdirSync(join(folders.home, '.opencode', 'plugin'), { recursive: true })
    writeFileSync(join(folders.unpacked, 'left.so'), 'x')
    prepareFolders(folders)
    expect(readdirSync(folders.unpacked)).toEqual([])
    expect(readdirSync(data)).toEqual(['opencode.db'])
    expect(readdirSync(join(folders.config, 'opencode')).sort()).toEqual([
      'node_modules',
      'package-lock.json',
    ])
    expect(readdirSync(folders.home)).toEqual([])
  })

  it('get the instructions back when they were changed, replaced or removed', () => {
    prepareFolders(folders)
    const path = join(folders.config, 'opencode', 'AGENTS.md')
    const read = () => readFileSync(path, 'utf8')
    writeInstructions(folders, 'be kind')
    expect(read()).toBe('be kind')
    writeFileSync(path, 'be evil')
    writeInstructions(folders, 'be kind')
    expect(read()).toBe('be kind')
    rmSync(path)
    mkdirSync(path)
    writeInstructions(folders, 'be kind')
    expect(read()).toBe('be kind')
    rmSync(folders.config, { recursive: true })
    writeInstructions(folders, 'be kind')
    expect(read()).toBe('be kind')
  })
})

describe('modelName', () => {
  it.each([
    ['claude-opus-4-5', 'anthropic', 'claude-opus-4-5'],
    ['anthropic/claude-opus-4-5', 'anthropic', 'claude-opus-4-5'],
    ['gpt-5.5', 'openai', 'gpt-5.5'],
    ['o3', 'openai', 'o3'],
    ['openai/some/thing', 'openai', 'some/thing'],
    ['other/claude', 'anthropic', 'other/claude'],
  ])('%s', (name, providerID, modelID) => {
    expect(modelName(name)).toEqual({ providerID, modelID })
  })
})

describe('messageId', () => {
  it('sorts by time, in the form that the server makes itself', () => {
    const early = messageId(1_795_249_841_096)
    expect(early).toMatch(/^msg_1fd3aa3c8000[0-9A-Za-z]{14}$/)
    expect(messageId(1_795_249_841_097) > early).toBe(true)
    expect(messageId(1_795_249_841_096)).not.toBe(early)
  })
})
