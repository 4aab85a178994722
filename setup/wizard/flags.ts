import { problemsOf } from '../../src/config/problems.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { SetupAnswers } from './answers.ts'

/** What can be said in words of the command; secrets are none of them. */
export interface SetupFlags {
  readonly dataDir?: string
  readonly provider?: string
  readonly keyStdin?: boolean
  readonly baseUrl?: string
  readonly model?: string
  readonly check?: boolean
  readonly group?: string
  readonly persona?: string
  readonly telegramTokenStdin?: boolean
  readonly telegramApi?: string
  readonly owner?: string
  readonly wait?: string
  readonly service?: string
  readonly enable?: boolean
  readonly trip?: boolean
  readonly answers?: boolean
}

/**
 * What is to be set up, from flags and what came on standard input: the JSON object, or a line for each secret that a flag
 * announces. Throws CreelError that names what is wrong and never shows what was given.
 */
export function answersOf(flags: SetupFlags, input: string): SetupAnswers {
  const raw = flags.answers === true ? fromJson(flags, input) : fromFlags(flags, input)
  const parsed = SetupAnswers.safeParse(raw)
  if (parsed.success) return parsed.data
  // Shown with nothing but the paths of what is wrong: a value may be a secret.
  throw new CreelError('invalid', `setup: ${problemsOf(parsed.error, {}).join('; ')}`, {
    hint: 'creel setup --help shows flags and JSON',
  })
}

function fromJson(flags: SetupFlags, input: string): unknown {
  const { answers: _, trip, check, ...named } = flags
  if (Object.values(named).some((flag) => flag !== undefined) || trip === false || check === false)
    throw new CreelError('invalid', 'with --answers everything stands in the JSON, not in flags')
  try {
    return JSON.parse(input)
  } catch (error) {
    // The parser's message quotes what it read.
    if (!(error instanceof SyntaxError)) throw error
    throw new CreelError('invalid', 'standard input is not one JSON object', {
      hint: 'creel setup --help shows an example',
    })
  }
}

function fromFlags(flags: SetupFlags, input: string): unknown {
  const lines = input.split('\n').map((line) => line.trim())
  const key = flags.keyStdin === true ? (lines.shift() ?? '') : undefined
  if (key === '') throw new CreelError('invalid', '--key-stdin: nothing came on standard input')
  const forProvider = [key, flags.baseUrl, flags.model].some((value) => value !== undefined)
  if (flags.provider === undefined && forProvider)
    throw new CreelError('invalid', 'a key, an address and a model belong to a provider', {
      hint: 'add --provider',
    })
  if (flags.persona !== undefined && flags.group === undefined)
    throw new CreelError('invalid', 'a persona belongs to an agent', { hint: 'add --group' })
  return {
    ...given('data_dir', flags.dataDir),
    ...(flags.provider === undefined
      ? {}
      : {
          provider: {
            name: flags.provider,
            ...{ ...given('key', key), ...given('base_url', flags.baseUrl), ...given('model', flags.model) },
            ...(flags.check === false ? { check: false } : {}),
          },
        }),
    ...(flags.group === undefined
      ? {}
      : { group: { name: flags.group, ...given('persona', flags.persona) } }),
    ...telegramOf(flags, lines),
    ...serviceOf(flags),
    ...(flags.trip === false ? { trip: false } : {}),
  }
}

function serviceOf({ service, enable }: SetupFlags): object {
  if (service === undefined && enable !== undefined)
    throw new CreelError('invalid', '--enable belongs to a service', {
      hint: 'add --service systemd or --service compose',
    })
  return service === undefined ? {} : { service: { kind: service, enable: enable === true } }
}

function telegramOf(flags: SetupFlags, lines: string[]): object {
  const { telegramTokenStdin, telegramApi, owner, wait } = flags
  const token = telegramTokenStdin === true ? (lines.shift() ?? '') : undefined
  if (token === '')
    throw new CreelError('invalid', '--telegram-token-stdin: nothing is left of standard input', {
      hint: 'one line each: the key first, then the token',
    })
  if ([token, telegramApi, owner, wait].every((value) => value === undefined)) return {}
  const telegram = { ...given('token', token), ...given('api_root', telegramApi), ...given('owner', owner) }
  const waiting = wait === undefined ? {} : { wait_s: Number(wait) }
  return { telegram: { ...telegram, ...waiting, ...(flags.check === false ? { check: false } : {}) } }
}

function given(key: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [key]: value }
}
