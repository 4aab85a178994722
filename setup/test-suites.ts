import { parseArgs } from 'node:util'

/** What a suite needs besides Node and the npm packages. */
export type Part = 'engine' | 'images' | 'browser' | 'compose' | 'terminal'

export interface Suite {
  /** Name on the command line and of the project in vitest.config.ts. */
  readonly name: string
  readonly needs: readonly Part[]
  /** Its tests make sandboxes: none may be left when it ends. */
  readonly makesSandboxes: boolean
  readonly limitMs: number
}

const MINUTE = 60_000

/** In the order they run: what is quick and says most comes first. */
export const SUITES: readonly Suite[] = [
  { name: 'unit', needs: [], makesSandboxes: false, limitMs: 5 * MINUTE },
  { name: 'telegram', needs: [], makesSandboxes: false, limitMs: 10 * MINUTE },
  { name: 'docker', needs: ['engine', 'images'], makesSandboxes: true, limitMs: 20 * MINUTE },
  { name: 'setup', needs: ['engine', 'images', 'terminal'], makesSandboxes: true, limitMs: 10 * MINUTE },
  { name: 'providers', needs: ['engine', 'images'], makesSandboxes: true, limitMs: 25 * MINUTE },
  { name: 'hostile', needs: ['engine', 'images'], makesSandboxes: true, limitMs: 20 * MINUTE },
  { name: 'web', needs: ['engine', 'images', 'browser'], makesSandboxes: true, limitMs: 15 * MINUTE },
  { name: 'chaos', needs: ['engine', 'images'], makesSandboxes: true, limitMs: 25 * MINUTE },
  { name: 'compose', needs: ['engine', 'images', 'compose'], makesSandboxes: true, limitMs: 15 * MINUTE },
]

export interface TestArguments {
  readonly suites: readonly Suite[]
  readonly json: boolean
  readonly list: boolean
  readonly yes: boolean
  readonly help: boolean
  /** Which choices the chaos run makes, and how long it runs. */
  readonly chaos: { readonly seed?: number; readonly minutes?: number }
  /** For vitest: parts of file names, or `-t NAME`. */
  readonly vitest: readonly string[]
}

export const USAGE = `Usage: ./creel test [${SUITES.map(({ name }) => name).join('|')}|all ...] [--json] [--list] [--yes] [--seed N] [--minutes N] [-- file ... | -t name]

  No suite means all. What a suite needs and the machine lacks (a container engine, a browser) is started, and as
  root installed; as another user, only what is said here is missing.
  --json   one JSON object on stdout at the end instead of the closing line
  --list   say what would run, and run nothing
  --seed, --minutes
           of the chaos suite: the same choices again; the long proof in place of the suite, so long at most, until
           1,000 kills, 20,000 messages and each named point 20 times are reached (half an hour on two cores)
  --       the rest goes to vitest: parts of file names, or -t and a part of a test's name`

/** Reads the words after `creel test`; a string is a complaint for a person. */
export function readArguments(words: readonly string[]): TestArguments | string {
  const cut = words.indexOf('--')
  const own = cut < 0 ? words : words.slice(0, cut)
  const read = parsed(own)
  if (typeof read === 'string') return read
  const { values, positionals: names } = read
  const unknownName = names.find((name) => name !== 'all' && !SUITES.some((suite) => suite.name === name))
  if (unknownName !== undefined) return `unknown suite ${unknownName}`
  const all = names.length === 0 || names.includes('all')
  const chaos = chaosOf(values.seed, values.minutes)
  if (typeof chaos === 'string') return chaos
  return {
    suites: SUITES.filter((suite) => all || names.includes(suite.name)),
    json: values.json === true,
    list: values.list === true,
    yes: values.yes === true,
    help: values.help === true,
    chaos,
    vitest: cut < 0 ? [] : words.slice(cut + 1),
  }
}

function parsed(words: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const value = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        ...{ json: flag, list: flag, yes: flag, help: { ...flag, short: 'h' } as const },
        ...{ seed: value, minutes: value },
      },
    })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function chaosOf(seed: string | undefined, minutes: string | undefined): TestArguments['chaos'] | string {
  const bad = [seed, minutes].find((text) => text !== undefined && !/^\d{1,6}$/.test(text))
  if (bad !== undefined) return `expected a whole number for --seed and --minutes, got ${bad}`
  return {
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(minutes === undefined ? {} : { minutes: Number(minutes) }),
  }
}
