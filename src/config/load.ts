// The only reader of the environment and of creel.toml.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'toml'
import type { z } from 'zod'
import { ConfigError, errorText } from '../domain/errors.ts'
import { Paths } from '../paths.ts'
import { problemsOf } from './problems.ts'
import { InstallConfig } from './schema.ts'

/** What the process was given from outside, read once. */
export interface Environment {
  readonly dockerHost: string | undefined
  readonly npmRegistry: string | undefined
  readonly extraCaCerts: string | undefined
  /** Where pip finds packages, when it is not its own index. */
  readonly pipIndex: string | undefined
  readonly timezone: string
  readonly home: string | undefined
  readonly user: string
  /** File with the vault's master key, as a container is given it. */
  readonly masterKeyFile: string | undefined
  /** Where an account keeps its settings; undefined where it has no home. */
  readonly configHome: string | undefined
}

export interface Install {
  readonly projectDir: string
  readonly configFile: string
  readonly config: InstallConfig
  readonly paths: Paths
  readonly env: Environment
}

/**
 * Reads `creel.toml` of a project folder; without the file every default holds. Throws ConfigError that says
 * file, key, expected and got.
 */
export function loadInstall(projectDir: string, env: NodeJS.ProcessEnv): Install {
  const configFile = env.CREEL_CONFIG ?? resolve(projectDir, 'creel.toml')
  const config = applyEnvironment(parseInstall(configFile), env)
  return {
    projectDir,
    configFile,
    config,
    paths: new Paths(
      resolve(projectDir, config.data_dir),
      resolve(projectDir, config.groups_dir),
      resolve(projectDir, config.skills_dir),
    ),
    env: {
      dockerHost: env.DOCKER_HOST,
      npmRegistry: env.npm_config_registry ?? env.NPM_CONFIG_REGISTRY,
      extraCaCerts: env.NODE_EXTRA_CA_CERTS,
      pipIndex: env.PIP_INDEX_URL,
      timezone: env.TZ ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      home: env.HOME,
      user: env.USER ?? env.LOGNAME ?? 'operator',
      masterKeyFile: env.CREEL_MASTER_KEY_FILE,
      configHome: env.XDG_CONFIG_HOME ?? (env.HOME === undefined ? undefined : resolve(env.HOME, '.config')),
    },
  }
}

/** Settings that a compose file or a test gives without writing a file. */
function applyEnvironment(config: InstallConfig, env: NodeJS.ProcessEnv): InstallConfig {
  const overrides: Record<string, unknown> = structuredClone(config)
  const set = (path: readonly [string] | readonly [string, string], value: string | undefined) => {
    if (value === undefined || value === '') return
    const [section, key] = path
    if (key === undefined) overrides[section] = value
    else overrides[section] = { ...(overrides[section] as object), [key]: value }
  }
  set(['data_dir'], env.CREEL_DATA_DIR)
  set(['groups_dir'], env.CREEL_GROUPS_DIR)
  set(['skills_dir'], env.CREEL_SKILLS_DIR)
  set(['engine', 'socket'], env.CREEL_ENGINE_SOCKET)
  set(['engine', 'base_image'], env.CREEL_BASE_IMAGE)
  set(['web', 'host'], env.CREEL_WEB_HOST)
  set(['web', 'public_url'], env.CREEL_WEB_PUBLIC_URL)
  if (env.CREEL_WEB_PORT) {
    const port = Number(env.CREEL_WEB_PORT)
    overrides.web = { ...(overrides.web as object), port: Number.isNaN(port) ? env.CREEL_WEB_PORT : port }
  }
  return check('environment (CREEL_… variables)', InstallConfig, overrides)
}

function parseInstall(file: string): InstallConfig {
  if (!existsSync(file)) return InstallConfig.parse({})
  let raw: unknown
  try {
    raw = parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const { line, column } = placeOf(error)
    const where = line === undefined ? '' : `line ${line}, column ${column}: `
    throw new ConfigError(file, [`${where}not valid TOML (${errorText(error)})`])
  }
  return check(file, InstallConfig, raw, 'creel.example.toml shows every key with its default')
}

/** Where the TOML parser stopped: its grammar errors hold a range, its own ones a place. */
function placeOf(error: unknown): { line?: number; column?: number } {
  const { line, column, location } = error as TomlError
  return (
    location?.start ?? {
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
    }
  )
}

interface TomlError {
  readonly line?: number
  readonly column?: number
  readonly location?: { readonly start: { readonly line: number; readonly column: number } }
}

/** Parses with a schema; the error names file, key, what was expected and what was found. */
export function check<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  raw: unknown,
  hint?: string,
): z.output<Schema> {
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  throw new ConfigError(file, problemsOf(result.error, raw), hint)
}

/** Long runs without a slash or a dot, as secrets are and file names are not. */
const LIKE_A_TOKEN = /^[\w:+=-]{30,}$/

/** Reads a secret from a file that others cannot read. Throws ConfigError with the command that mends it. */
export function readSecretFile(install: Install, key: string, file: string): string {
  const path = resolve(install.projectDir, file)
  if (!existsSync(path)) {
    // A token put here by mistake must not be printed (I9).
    const shown = LIKE_A_TOKEN.test(file)
      ? 'expected the name of a file, got what looks like the secret itself'
      : `the file ${file} does not exist`
    throw new ConfigError(install.configFile, [`${key}: ${shown}`])
  }
  const mode = statSync(path).mode & 0o077
  if (mode !== 0) {
    throw new ConfigError(install.configFile, [`${key}: ${file} can be read by others`], `chmod 600 ${file}`)
  }
  const value = readFileSync(path, 'utf8').trim()
  if (value === '') throw new ConfigError(install.configFile, [`${key}: ${file} is empty`])
  return value
}
