import { describe, expect, it } from 'vitest'
import { checkTree } from './check-tree.ts'
import { boundToRegistry, dependencies, disagreements, readLockfile, unused } from './packages.ts'
import { splitLayers } from './source-text.ts'

const check = (files: Record<string, string>) => checkTree(new Map(Object.entries(files)))
/** What opens an expression in a template; in pieces, for the linter takes it for a forgotten backtick. */
const OPEN = `$${'{'}`
const X = 'export const x = 1\n'

/** One bad tree per rule, and a word of the complaint it must cause. */
const BAD: readonly [what: string, files: Record<string, string>, complaint: string][] = [
  [
    'domain imports an adapter',
    { 'src/domain/a.ts': "import { x } from '../adapters/sqlite/b.ts'\n", 'src/adapters/sqlite/b.ts': X },
    'domain imports',
  ],
  ['domain imports a library', { 'src/domain/a.ts': "import { x } from 'grammy'\n" }, 'grammy'],
  ['domain imports a built-in', { 'src/domain/a.ts': "import { x } from 'node:fs'\n" }, 'node:fs'],
  [
    'a type import counts as well',
    { 'src/domain/a.ts': "import type { x } from '../router.ts'\n" },
    'domain imports',
  ],
  [
    'an adapter imports another',
    { 'src/adapters/web/a.ts': "import { x } from '../sqlite/b.ts'\n" },
    'an adapter imports',
  ],
  [
    'a channel imports another',
    { 'src/adapters/channels/web/a.ts': "import { x } from '../telegram/b.ts'\n" },
    'an adapter imports',
  ],
  [
    'an adapter imports a stage',
    { 'src/adapters/web/a.ts': "import { x } from '../../router.ts'\n" },
    'an adapter imports',
  ],
  [
    'a stage imports an adapter',
    { 'src/router.ts': "import { x } from './adapters/web/a.ts'\n" },
    'a stage imports',
  ],
  [
    'a stage imports it over many lines',
    { 'src/router.ts': "import {\n  type x,\n  y,\n} from './adapters/web/a.ts'\n" },
    'a stage imports',
  ],
  [
    'a stage loads the configuration',
    { 'src/router.ts': "import { x } from './config/load.ts'\n" },
    'loads the configuration',
  ],
  [
    'a stage imports the composition',
    { 'src/router.ts': "import { x } from './host.ts'\n" },
    'only the composition',
  ],
  [
    'a re-export is an import',
    { 'src/router.ts': "export { x } from './adapters/web/a.ts'\n" },
    'a stage imports',
  ],
  [
    'dockerode outside its folder',
    { 'src/supervisor.ts': "import D from 'dockerode'\n" },
    'dockerode may only',
  ],
  [
    'SQLite outside its folders',
    { 'src/adapters/web/a.ts': "import D from 'better-sqlite3'\n" },
    'better-sqlite3 may only',
  ],
  [
    'container imports src',
    { 'container/runner/src/a.ts': "import { x } from '../../../src/paths.ts'\n" },
    'must stand alone',
  ],
  [
    'src reaches into container',
    { 'src/router.ts': "import { x } from '../container/protocol/src/inbox.ts'\n" },
    'reaches into container',
  ],
  [
    'the runner reaches into the protocol',
    { 'container/runner/src/a.ts': "import { x } from '../../protocol/src/inbox.ts'\n" },
    'another workspace',
  ],
  [
    'product code imports a fake',
    { 'src/router.ts': "import { x } from '../test/fakes/x.ts'\n" },
    'test code',
  ],
  [
    'a cycle',
    { 'src/a.ts': "import { b } from './b.ts'\n", 'src/b.ts': "import { a } from './a.ts'\n" },
    'cycle: src/a.ts -> src/b.ts -> src/a.ts',
  ],
  [
    'a cycle of types',
    { 'src/a.ts': "import type { B } from './b.ts'\n", 'src/b.ts': "import type { A } from './a.ts'\n" },
    'cycle',
  ],
  ['export *', { 'src/a.ts': "export * from './b.ts'\n" }, 'export *'],
  ['import for effect', { 'src/a.ts': "import './b.ts'\n" }, 'for its effect'],
  ['dynamic import', { 'src/a.ts': "export const f = () => import('./b.ts')\n" }, 'dynamic import: ./b.ts'],
  ['top-level let', { 'src/a.ts': 'let n = 0\n' }, 'can change'],
  [
    'a map written later',
    { 'src/a.ts': "const seen = new Map<string, string>()\nexport const f = () => seen.set('a', 'b')\n" },
    'collection seen',
  ],
  ['an exported set', { 'src/a.ts': 'export const all = new Set<string>()\n' }, 'collection all'],
  [
    'a list written later',
    { 'src/a.ts': 'const list: string[] = []\nexport const f = () => list.push(String(1))\n' },
    'collection list',
  ],
  ['environment', { 'src/router.ts': 'export const f = () => process.env.HOME\n' }, 'process.env'],
  ['exit', { 'src/router.ts': 'export const f = () => process.exit(1)\n' }, 'process.exit'],
  ['wall clock in a stage', { 'src/router.ts': 'export const f = () => Date.now()\n' }, 'from a port'],
  ['a new Date in the domain', { 'src/domain/a.ts': 'export const f = () => new Date()\n' }, 'from a port'],
  [
    'timer in a template expression',
    { 'src/router.ts': `export const f = () => \`a${OPEN}setTimeout(g, 1)}b\`\n` },
    'from a port',
  ],
  ['a long file', { 'src/a.ts': `${X.repeat(301)}` }, '301 non-blank'],
  ['a name that says nothing', { 'src/utils.ts': X }, 'says nothing'],
  ['camelCase name', { 'src/messageRouter.ts': X }, 'kebab-case'],
  ['a mocked module', { 'test/a.test.ts': "vi.mock('./b.ts')\n" }, 'mocked'],
  ['only', { 'test/a.test.ts': "it.only('a', f)\n" }, 'run alone'],
  ['skip', { 'test/a.test.ts': "describe.skip('a', f)\n" }, 'without a reason'],
  ['skipIf', { 'test/a.test.ts': "it.skipIf(true)('a', f)\n" }, 'on a condition'],
  [
    'empty catch with a comment',
    { 'src/a.ts': 'export const f = () => {\n  try {\n    g()\n  } catch {\n    // ignored\n  }\n}\n' },
    'swallowed',
  ],
  ['silenced compiler', { 'src/a.ts': `// @ts-${'ignore'}\n${X}` }, 'silenced'],
  ['using', { 'src/a.ts': 'export const f = () => {\n  using x = g()\n  return x.y\n}\n' }, 'Node 22'],
  ['default export', { 'src/a.ts': 'export default 1\n' }, 'default export'],
]

describe('the checker finds', () => {
  it.each(BAD)('%s', (_what, files, complaint) => {
    expect(check(files).join('\n')).toContain(complaint)
  })
})

describe('the checker accepts', () => {
  it('the directions that are meant', () => {
    const files = {
      'src/domain/a.ts':
        "import { z } from 'zod'\nimport { y } from '@creel/protocol'\nimport { x } from './ids.ts'\n",
      'src/adapters/sqlite/b.ts':
        "import D from 'better-sqlite3'\nimport { x } from '../../domain/a.ts'\nimport { p } from '../../paths.ts'\n",
      'src/router.ts': "import { x } from './domain/a.ts'\n",
      'src/router.test.ts':
        "import { f } from '../test/fakes/clock.ts'\nimport { b } from './adapters/sqlite/b.ts'\n",
      'src/host.ts': "import { b } from './adapters/sqlite/b.ts'\nimport { r } from './router.ts'\n",
      'container/protocol/src/index.ts': "export { x } from './inbox.ts'\n",
      'container/runner/src/main.ts':
        "import { x } from '@creel/protocol'\nexport const home = process.env.HOME\n",
    }
    expect(check(files)).toEqual([])
  })

  it('a suite skipped on a condition that says why', () => {
    const text = "if (missing) console.log('skipped: no engine')\ndescribe.skipIf(missing)('a', f)\n"
    expect(check({ 'test/docker/a.test.ts': text })).toEqual([])
  })

  it('words that are only spoken of', () => {
    const files = {
      'src/a.ts': [
        "// never import('x'), setTimeout( or process.env here",
        "export const text = 'let x = process.env; Date.now()'",
        'export const pattern = /["\'`]Date.now\\/[/"]/',
        "export const half = (a: number, b: number) => a / b / 2 // it's",
        `export const nested = \`${OPEN}[1].map((n) => \`Date.now() ${OPEN}n}\`).join("}")} process.exit(1)\``,
        "export const NAMES: ReadonlySet<string> = new Set(['a'])",
        'export const date = (ms: number) => new Date(ms)',
        '',
      ].join('\n'),
    }
    expect(check(files)).toEqual([])
  })

  it('keeps every position when it splits a text into layers', () => {
    const text = `const a = 'x' /* y */\nconst b = \`p${OPEN}a}q\` // z\nconst é = '😀'\n`
    const { code, comments } = splitLayers(text)
    expect(code).toBe(`const a = ' '        \nconst b = \` ${OPEN}a} \`     \nconst é = '  '\n`)
    expect(comments).toHaveLength(text.length)
    expect(comments.trim().split(/\s{2,}/)).toEqual(['/* y */', '// z'])
  })
})

describe('the package checks find', () => {
  const lock = (packages: Record<string, object>) => readLockfile(JSON.stringify({ packages }))

  it('an address of a registry', () => {
    const packages = {
      'node_modules/a': { resolved: 'https://example.org/a.tgz' },
      'node_modules/b': { resolved: 'container/b', link: true },
    }
    expect(boundToRegistry(lock(packages))).toEqual(['node_modules/a'])
  })

  it('versions that differ, among packages that both sides have', () => {
    const host = lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } })
    const container = lock({
      'node_modules/a': { version: '1.0.1' },
      'node_modules/b': { version: '1.0.0' },
      'node_modules/c': { version: '3.0.0' },
    })
    expect(disagreements(host, container)).toEqual(['node_modules/a: host 1.0.0, container 1.0.1'])
  })

  it('a dependency that nothing imports', () => {
    const names = dependencies(JSON.stringify({ dependencies: { zod: '1', '@a/b': '1', grammy: '1' } }))
    expect(
      unused(names, new Map([['src/a.ts', "import { z } from 'zod'\nimport { b } from '@a/b/deep'\n"]])),
    ).toEqual(['grammy'])
  })
})
