import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunnerSettings } from '@creel/protocol'
import { parse } from 'smol-toml'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CodexHome, codexEnvironment, prepareHome } from './home.ts'

const NASTY = 'a "quoted" \\ back\nslash\n[model_providers.creel]\nbase_url = "http://evil"'

let homeDir: string
let dir: string

beforeEach(() => {
  homeDir = mkdtempSync(join(tmpdir(), 'codex-home-'))
  dir = join(homeDir, '.codex')
})
afterEach(() => rmSync(homeDir, { recursive: true, force: true }))

function home(settings: object = {}, instructions = ''): CodexHome {
  return {
    homeDir,
    workspaceDir: '/workspace',
    skillsDir: join(homeDir, 'skills'),
    toolEnvironment: {},
    baseUrl: 'http://127.0.0.1:3128/openai/v1',
    mark: 'mark-1',
    instructions,
    settings: RunnerSettings.parse({
      protocol: 1,
      group: 'family',
      provider: 'codex',
      concurrency: 4,
      turnTimeoutMs: 600_000,
      maxAttempts: 3,
      pollMs: 1_000,
      ...settings,
    }),
  }
}

function config(): Record<string, unknown> {
  return parse(readFileSync(join(dir, 'config.toml'), 'utf8'))
}

describe('prepareHome', () => {
  it('points at the gateway with a placeholder, caps retries, asks nobody and trusts no project', () => {
    prepareHome(home())
    expect(config()).toMatchObject({
      model_provider: 'creel',
      approval_policy: 'never',
      sandbox_mode: 'danger-full-access',
      web_search: 'disabled',
      model_providers: {
        creel: {
          base_url: 'http://127.0.0.1:3128/openai/v1',
          env_key: 'CREEL_MODEL_KEY',
          wire_api: 'responses',
          request_max_retries: 1,
          stream_max_retries: 2,
        },
      },
      projects: { '/workspace': { trust_level: 'untrusted' } },
      features: { plugins: false, apps: false, remote_plugin: false },
      mcp_servers: {},
    })
    expect(codexEnvironment(home())).toEqual({
      HOME: homeDir,
      CODEX_HOME: dir,
      CREEL_MODEL_KEY: 'placeholder',
      CREEL_CODEX_MARK: 'mark-1',
    })
  })

  it('takes any text in the settings of a tool server for text', () => {
    const mcpServers = {
      local: { command: 'node', args: [NASTY], env: { SOME: NASTY } },
      far: { url: 'https://mcp.example.com/x' },
      [NASTY]: { command: NASTY, args: [], env: {} },
    }
    prepareHome(home({ mcpServers }))
    const limits = { required: true, startup_timeout_sec: 30, tool_timeout_sec: 600 }
    expect(config().mcp_servers).toEqual({
      local: { command: 'node', args: [NASTY], env: { SOME: NASTY, CREEL_CODEX_MARK: 'mark-1' }, ...limits },
      far: { url: 'https://mcp.example.com/x', ...limits },
      [NASTY]: { command: NASTY, args: [], env: { CREEL_CODEX_MARK: 'mark-1' }, ...limits },
    })
    expect(config().model_providers).toMatchObject({ creel: { base_url: 'http://127.0.0.1:3128/openai/v1' } })
  })

  it('keeps the conversations and throws out what was planted or left behind', () => {
    const kept = ['sessions/2026/x.jsonl', 'state_5.sqlite', 'state_5.sqlite-wal', 'thread_history_1.sqlite']
    const planted = [
      'config.toml',
      'AGENTS.md',
      'AGENTS.override.md',
      'auth.json',
      'hooks.json',
      'rules/evil.rules',
      'skills/evil/SKILL.md',
      'evil.config.toml',
      'queue_1.sqlite',
    ]
    for (const name of [...kept, ...planted]) {
      mkdirSync(join(dir, name, '..'), { recursive: true })
      writeFileSync(join(dir, name), 'planted')
    }
    prepareHome(home({}, 'You are Wanda.'))
    expect(kept.filter((name) => !existsSync(join(dir, name)))).toEqual([])
    const left = planted.filter((name) => existsSync(join(dir, name)))
    expect(left).toEqual(['config.toml', 'AGENTS.md'])
    expect(readFileSync(join(dir, 'AGENTS.md'), 'utf8')).toBe('You are Wanda.')
    expect(readFileSync(join(dir, 'config.toml'), 'utf8')).not.toContain('planted')
    prepareHome(home())
    expect(existsSync(join(dir, 'AGENTS.md'))).toBe(false)
  })

  it('links the skills, and takes away those that were planted', () => {
    for (const name of ['lists', 'other']) mkdirSync(join(homeDir, 'skills', name), { recursive: true })
    writeFileSync(join(homeDir, 'skills', 'lists', 'SKILL.md'), 'The body.')
    mkdirSync(join(dir, 'skills', 'evil'), { recursive: true })
    prepareHome(home())
    prepareHome(home())
    expect(readdirSync(join(dir, 'skills')).sort()).toEqual(['lists', 'other'])
    expect(readFileSync(join(dir, 'skills', 'lists', 'SKILL.md'), 'utf8')).toBe('The body.')
    expect(config().skills).toEqual({ bundled: { enabled: false } })
  })

  it('does not write through a planted link', () => {
    const elsewhere = join(homeDir, 'elsewhere')
    writeFileSync(elsewhere, 'mine')
    mkdirSync(dir)
    symlinkSync(elsewhere, join(dir, 'config.toml'))
    symlinkSync(homeDir, join(dir, 'skills'))
    prepareHome(home())
    expect(readFileSync(elsewhere, 'utf8')).toBe('mine')
    expect(config()).toMatchObject({ model_provider: 'creel' })
  })
})
