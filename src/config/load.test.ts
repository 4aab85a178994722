import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../domain/errors.ts'
import { loadInstall, readSecretFile } from './load.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function project(toml?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'creel-config-'))
  folders.push(folder)
  if (toml !== undefined) writeFileSync(join(folder, 'creel.toml'), toml)
  return folder
}

/** The error of a wrong setting, in full. */
function problem(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('expected a ConfigError')
}

const ofToml = (toml: string, env: NodeJS.ProcessEnv = {}) => problem(() => loadInstall(project(toml), env))

describe('creel.toml', () => {
  test('without a file every default holds', () => {
    const folder = project()
    const { config, paths } = loadInstall(folder, {})
    expect(config).toMatchObject({ log_level: 'info', limits: { max_running: 20 }, telegram: [] })
    expect(paths.dataDir).toBe(join(folder, 'data'))
  })

  test('an empty file is as good as none, and keys that stand there count', () => {
    expect(loadInstall(project(''), {}).config).toEqual(loadInstall(project(), {}).config)
    const { config } = loadInstall(project('[limits]\nmax_running = 3'), {})
    expect(config.limits).toMatchObject({ max_running: 3, pause_after_s: 60 })
  })

  test.each([
    ['colour = "red"', 'colour: there is no such key'],
    ['[limits]\nmax_runing = 3', 'limits.max_runing: there is no such key'],
    ['[limits]\nmax_running = "many"', 'limits.max_running: expected number, got "many"'],
    ['[limits]\nmax_running = 0', 'limits.max_running: expected at least 1, got 0'],
    ['[limits]\nmax_running = 9999', 'limits.max_running: expected at most 1000, got 9999'],
    [
      'log_level = "loud"',
      'log_level: expected "trace" or "debug" or "info" or "warn" or "error", got "loud"',
    ],
    ['[[telegram]]\naccount = "a"', 'telegram.0: expected token_secret or token_file, one of the two'],
    ['limits = 3', 'limits: expected object, got 3'],
  ])('%j is refused with file, key, expected and got', (toml, expected) => {
    const text = ofToml(toml)
    expect(text).toContain('creel.toml: ')
    expect(text).toContain(expected)
  })

  test('what is no TOML is refused with its line', () => {
    expect(ofToml('log_level = "info"\n[limits\n')).toMatch(
      /creel\.toml: line [23], column \d+: not valid TOML/,
    )
  })

  test('all problems are told at once', () => {
    const text = ofToml('colour = "red"\nlog_level = "loud"')
    expect(text).toContain('colour')
    expect(text).toContain('log_level')
  })
})

describe('the environment', () => {
  test('comes before the file', () => {
    const folder = project('data_dir = "from-file"\n[web]\nport = 1')
    const env = {
      CREEL_DATA_DIR: '/somewhere',
      CREEL_WEB_PORT: '8080',
      CREEL_WEB_HOST: '0.0.0.0',
      CREEL_ENGINE_SOCKET: '/engine.sock',
      TZ: 'Europe/Berlin',
    }
    const { config, paths, env: kept } = loadInstall(folder, env)
    expect(paths.dataDir).toBe('/somewhere')
    expect(config.web).toMatchObject({ port: 8080, host: '0.0.0.0' })
    expect(config.engine.socket).toBe('/engine.sock')
    expect(kept.timezone).toBe('Europe/Berlin')
  })

  test('that is empty says nothing', () => {
    const folder = project('[web]\nport = 1234')
    const { config } = loadInstall(folder, { CREEL_DATA_DIR: '', CREEL_WEB_PORT: '' })
    expect([config.data_dir, config.web.port]).toEqual(['data', 1234])
  })

  test('can name another file', () => {
    const other = join(project('log_level = "debug"'), 'creel.toml')
    expect(loadInstall(project(), { CREEL_CONFIG: other }).config.log_level).toBe('debug')
  })

  test('that is wrong is refused, and not in the name of the file', () => {
    expect(ofToml('', { CREEL_WEB_PORT: 'http' })).toMatch(
      /environment.*web\.port: expected number, got "http"/,
    )
    expect(ofToml('', { CREEL_WEB_PORT: '70000' })).toContain('web.port: expected at most 65535, got 70000')
  })
})

describe('a secret in a file', () => {
  const read = (file: string, mode = 0o600, text = ' s3cret \n') => {
    const folder = project()
    if (file === 'token') {
      writeFileSync(join(folder, file), text)
      chmodSync(join(folder, file), mode)
    }
    return readSecretFile(loadInstall(folder, {}), 'telegram[0].token_file', file)
  }

  test('is read without the space around it', () => {
    expect(read('token')).toBe('s3cret')
    expect(read('token', 0o400)).toBe('s3cret')
  })

  test.each([0o644, 0o640, 0o604])('that others can read (%o) is refused', (mode) => {
    expect(problem(() => read('token', mode))).toContain(
      'telegram[0].token_file: token can be read by others',
    )
  })

  test('that is missing or empty is refused', () => {
    expect(problem(() => read('nowhere'))).toContain('the file nowhere does not exist')
    expect(problem(() => read('token', 0o600, '\n'))).toContain('is empty')
  })

  test('is never printed when it stands where its file should be named (I9)', () => {
    const token = '123456789:AAH1234567890abcdefghijklmnopqrstuv'
    expect(problem(() => read(token))).not.toContain('AAH')
  })
})
