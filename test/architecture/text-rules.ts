import { posix } from 'node:path'
import { isMain, isOuterMain, isTest } from './directions.ts'
import { lineAt, type SourceLayers } from './source-text.ts'

const MAX_LINES = 300

interface TextRule {
  readonly say: string
  readonly find: RegExp
  /** Which files the rule is for. */
  readonly in: (file: string) => boolean
  /** Looked for in comments, not in code. */
  readonly inComments?: boolean
  /** Somewhere in the file, this makes it right. */
  readonly unlessText?: RegExp
}

const everywhere = () => true
const product = (file: string) => !isTest(file)
const readsEnvironment = (file: string) =>
  file === 'src/config/load.ts' || file.startsWith('setup/') || isOuterMain(file)
/** Takes time and chance from a port: all of the host but what is next to the outside world. */
const timeless = (file: string) =>
  /^src\/(?!adapters\/|cli\/|ask-child)/.test(file) && product(file) && !isMain(file)

/** What is left out of a start, or loaded at its first use, can be so only where it is asked for. */
const LOADS_LATER = ['src/adapters/docker/load-dockerode.ts', 'src/adapters/age-vault/load-age.ts']

const RULES: readonly TextRule[] = [
  { say: 'export * hides what a file offers', find: /^export\s*\*/gm, in: everywhere },
  { say: 'default export', find: /^export\s+default\b/gm, in: (file) => !file.endsWith('.config.ts') },
  { say: 'module-level variable that can change', find: /^(?:export\s+)?(?:let|var)\b/gm, in: product },
  {
    say: 'syntax or class that Node 22 does not have (using, DisposableStack)',
    find: /\b(?:await\s+)?using\s+\w+\s*=|\b(?:Async)?DisposableStack\b/g,
    in: product,
  },
  {
    say: 'require()',
    find: /\b(?:createRequire|require)\s*\(/g,
    in: (file) => product(file) && !LOADS_LATER.includes(file),
  },
  {
    say: 'process.env outside the configuration loader and the mains',
    find: /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\[/g,
    in: (file) => product(file) && !readsEnvironment(file),
  },
  {
    say: 'process.exit outside a main (set process.exitCode)',
    find: /\bprocess\.exit\s*\(/g,
    in: (file) => product(file) && !isMain(file),
  },
  {
    say: 'time or chance not taken from a port',
    find: /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\s*\(|\bperformance\.now\b/g,
    in: timeless,
  },
  {
    say: 'mocked module: write a fake that implements the port',
    find: /\bvi\s*\.\s*(?:mock|doMock|hoisted)\b/g,
    in: everywhere,
  },
  { say: 'test that is only run alone', find: /\b(?:it|test|describe)(?:\.\w+)*\.only\b/g, in: everywhere },
  {
    say: "skipped test without a reason (use context.skip('reason') inside it)",
    find: /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|todo)\b/g,
    in: everywhere,
  },
  {
    say: 'tests skipped on a condition, but no console line that says "skipped" and why',
    find: /\b(?:it|test|describe)(?:\.\w+)*\.(?:skipIf|runIf)\b/g,
    in: everywhere,
    unlessText: /\bconsole\.(?:log|error|warn)\(\s*[`'"][^\n]*\bskipped\b/,
  },
  {
    say: 'error swallowed by an empty catch',
    find: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}|\.catch\(\s*\(\w*\)\s*=>\s*\{\s*\}\s*\)/g,
    in: everywhere,
  },
  {
    say: 'compiler or linter silenced',
    find: /@ts-(?:ignore|expect-error|nocheck)|biome-ignore|eslint-disable/g,
    in: everywhere,
    inComments: true,
  },
  {
    say: 'comment tells history or names a session',
    find: /\bPR #\d|\b[Pp]reviously\b|\bno longer\b.*\bas before\b/g,
    in: everywhere,
    inComments: true,
  },
]

const COLLECTION =
  /^(export\s+)?const\s+(\w+)(?:\s*:\s*([^=]+?))?\s*=\s*(?:new\s+(?:Weak)?(?:Map|Set)\b|\[\s*\]|\{\s*\})/gm

/** What is wrong with one file by its words alone; each as `file:line: text`. */
export function textProblems(file: string, text: string, layers: SourceLayers): string[] {
  const problems = RULES.filter((rule) => rule.in(file) && !rule.unlessText?.test(text)).flatMap((rule) =>
    [...(rule.inComments ? layers.comments : layers.code).matchAll(rule.find)].map(
      (match) => `${file}:${lineAt(text, match.index)}: ${rule.say}`,
    ),
  )
  return [...problems, ...(product(file) ? sharedState(file, text, layers.code) : [])]
}

function sharedState(file: string, text: string, code: string): string[] {
  return [...code.matchAll(COLLECTION)].flatMap((match) => {
    const [, exported, name = '', type = ''] = match
    const readOnly = /^Readonly|^readonly\b/.test(type.trim())
    const written = new RegExp(
      `\\b${name}(?:\\.(?:set|add|delete|clear|push|pop|shift|unshift|splice)\\(|\\[[^\\]]+\\]\\s*=[^=])`,
    )
    const shared = (exported !== undefined && !readOnly) || written.test(code)
    return shared
      ? [`${file}:${lineAt(text, match.index)}: module-level collection ${name} that is written`]
      : []
  })
}

/** What is wrong with a file's name and length. */
export function shapeProblems(file: string, text: string): string[] {
  const problems: string[] = []
  const lines = text.split('\n').filter((line) => line.trim() !== '').length
  if (lines > MAX_LINES) problems.push(`${file}: ${lines} non-blank lines, more than ${MAX_LINES}`)
  const name = posix.basename(file)
  if (/^(?:utils?|helpers?|common|types|misc)\.ts$|manager\.ts$/.test(name))
    problems.push(`${file}: a name that says nothing`)
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|config|d))?\.ts$/.test(name))
    problems.push(`${file}: not kebab-case`)
  return problems
}
