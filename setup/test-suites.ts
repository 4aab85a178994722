/** What a suite needs besides Node and the npm packages. */
export type Part = 'engine' | 'images' | 'browser' | 'compose'

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
  { name: 'providers', needs: ['engine', 'images'], makesSandboxes: true, limitMs: 25 * MINUTE },
  { name: 'hostile', needs: ['engine', 'images'], makesSandboxes: true, limitMs: 20 * MINUTE },
  { name: 'web', needs: ['engine', 'images', 'browser'], makesSandboxes: true, limitMs: 15 * MINUTE },
  { name: 'compose', needs: ['engine', 'images', 'compose'], makesSandboxes: true, limitMs: 15 * MINUTE },
]

export interface TestArguments {
  readonly suites: readonly Suite[]
  readonly json: boolean
  readonly list: boolean
  readonly yes: boolean
  readonly help: boolean
  /** For vitest: parts of file names, or `-t NAME`. */
  readonly vitest: readonly string[]
}

export const USAGE = `Usage: ./creel test [${SUITES.map(({ name }) => name).join('|')}|all ...] [--json] [--list] [--yes] [-- file ... | -t name]

  No suite means all. What a suite needs and the machine lacks (a container engine, a browser) is started, and as
  root installed; as another user, only what is said here is missing.
  --json   one JSON object on stdout at the end instead of the closing line
  --list   say what would run, and run nothing
  --       the rest goes to vitest: parts of file names, or -t and a part of a test's name`

/** Reads the words after `creel test`; a string is a complaint for a person. */
export function readArguments(words: readonly string[]): TestArguments | string {
  const cut = words.indexOf('--')
  const own = cut < 0 ? words : words.slice(0, cut)
  const flags = own.filter((word) => word.startsWith('-'))
  const names = own.filter((word) => !word.startsWith('-'))
  const unknownFlag = flags.find((flag) => !['--json', '--list', '--yes', '--help', '-h'].includes(flag))
  if (unknownFlag !== undefined) return `unknown option ${unknownFlag}`
  const unknownName = names.find((name) => name !== 'all' && !SUITES.some((suite) => suite.name === name))
  if (unknownName !== undefined) return `unknown suite ${unknownName}`
  const all = names.length === 0 || names.includes('all')
  return {
    suites: SUITES.filter((suite) => all || names.includes(suite.name)),
    json: flags.includes('--json'),
    list: flags.includes('--list'),
    yes: flags.includes('--yes'),
    help: flags.includes('--help') || flags.includes('-h'),
    vitest: cut < 0 ? [] : words.slice(cut + 1),
  }
}
