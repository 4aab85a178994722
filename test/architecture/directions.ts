import { packageName } from './imports.ts'

/** One import, resolved: `target` is a file of ours, or null when `specifier` names a package. */
export interface Edge {
  readonly from: string
  readonly specifier: string
  readonly target: string | null
}

const PROTOCOL = '@creel/protocol'
/** Small files that every part of the host may use. */
const SHARED = [
  'src/ask-child.ts',
  'src/child-flags.ts',
  'src/journal-owner.ts',
  'src/paths.ts',
  'src/sandbox-user.ts',
  'src/replace-file.ts',
  'src/socket-path.ts',
  'src/config/schema.ts',
  'src/config/problems.ts',
  'src/config/groups.ts',
]
/** Files that put the parts together, and so may know them all. */
const COMPOSITION = /^(?:src\/(?:host|core|[a-z]+-parts)\.ts$|src\/cli\/|setup\/|test\/|bench\/)/
/** Packages that stay behind one wall, and the folders that are it. */
const CONFINED: Readonly<Record<string, readonly string[]>> = {
  dockerode: ['src/adapters/docker/'],
  grammy: ['src/adapters/channels/telegram/'],
  'better-sqlite3': ['src/adapters/sqlite/', 'src/adapters/outbox-reader/', 'container/protocol/'],
}
/** Packages that the shared, pure folders may use. */
const PURE: readonly { folder: RegExp; packages: readonly string[] }[] = [
  { folder: /^src\/domain\//, packages: ['zod', PROTOCOL] },
  { folder: /^src\/(?:paths|sandbox-user)\.ts$/, packages: ['node:path', PROTOCOL] },
  { folder: /^src\/config\/(?:schema|problems|groups)\.ts$/, packages: ['zod', 'node:path', PROTOCOL] },
  { folder: /^src\/markdown\//, packages: ['markdown-it', 'zod', PROTOCOL] },
  { folder: /^src\/schedule\//, packages: ['cron-parser', 'temporal-polyfill'] },
  { folder: /^container\/protocol\//, packages: ['zod', 'better-sqlite3'] },
]

export function isTest(file: string): boolean {
  return /^(?:test|bench|container\/[^/]+\/test)\//.test(file) || file.endsWith('.test.ts')
}

/** A program's first file: `main.ts` or `…-main.ts`. An adapter's child process may have one, too. */
export function isMain(file: string): boolean {
  return /(?:^|[/-])main\.ts$/.test(file)
}

/** Knows the process it runs in and the parts it puts together: a main that is not part of an adapter. */
export function isOuterMain(file: string): boolean {
  return isMain(file) && adapterOf(file) === null
}

/** The folder that is one adapter: `src/adapters/sqlite/`; each channel is an adapter of its own. */
export function adapterOf(file: string): string | null {
  return /^src\/adapters\/(?:channels\/[^/]+\/|[^/]+\/)/.exec(file)?.[0] ?? null
}

/** Why this import points the wrong way, or null. Test files are free in what they import. */
export function wrongDirection(edge: Edge): string | null {
  if (isTest(edge.from)) return null
  return edge.target === null ? wrongPackage(edge) : wrongFile(edge.from, edge.target, edge.specifier)
}

function wrongPackage({ from, specifier }: Edge): string | null {
  const name = packageName(specifier)
  if (name === null) return null
  const walls = CONFINED[name]
  if (walls !== undefined && from.startsWith('src/') && !walls.some((wall) => from.startsWith(wall)))
    return `${name} may only be imported in ${walls.join(', ')}`
  // The mailbox's files have one owner each; the index over the memory is the runner's alone.
  const ownIndex = from.startsWith('container/runner/src/search/')
  if (name === 'better-sqlite3' && from.startsWith('container/runner/') && !ownIndex)
    return 'the runner reaches SQLite through @creel/protocol only, but for its search index'
  const pure = PURE.find(({ folder }) => folder.test(from))
  if (pure !== undefined && !pure.packages.includes(name) && !isAllowedBuiltin(from, name))
    return `may only import ${pure.packages.join(', ')} and its own folder, not ${name}`
  return null
}

function isAllowedBuiltin(from: string, name: string): boolean {
  return from.startsWith('src/domain/')
    ? name === 'node:crypto' && from.endsWith('/ids.ts')
    : from.startsWith('container/') && name.startsWith('node:')
}

function wrongFile(from: string, target: string, specifier: string): string | null {
  const measures = from.startsWith('src/cli/') && target.startsWith('bench/')
  if (isTest(target) && !measures) return `product code imports test code ${target}`
  if (isMain(target)) return `nothing imports a main: ${target}`
  if (from.startsWith('container/')) return wrongInContainer(from, target, specifier)
  if (target.startsWith('container/'))
    return specifier === PROTOCOL ? null : `reaches into container/ other than through ${PROTOCOL}`
  if (COMPOSITION.test(from) || isOuterMain(from)) return null
  if (target.startsWith('setup/')) return `only the composition imports setup: ${target}`
  if (/^src\/(?:(?:host|core|[a-z]+-parts)\.ts$|cli\/)/.test(target))
    return `only the composition imports ${target}`
  return wrongInHost(from, target)
}

function wrongInContainer(from: string, target: string, specifier: string): string | null {
  if (!target.startsWith('container/')) return `container/ must stand alone, but imports ${target}`
  const workspace = (file: string) => file.split('/').slice(0, 2).join('/')
  if (workspace(from) === workspace(target) || specifier === PROTOCOL) return null
  return `reaches into another workspace: ${target}`
}

function wrongInHost(from: string, target: string): string | null {
  if (from.startsWith('src/domain/'))
    return target.startsWith('src/domain/') ? null : `domain imports ${target}`
  if (SHARED.includes(from))
    return target.startsWith('src/domain/') || SHARED.includes(target)
      ? null
      : `a shared file imports ${target}`
  if (from.startsWith('src/markdown/'))
    return /^src\/(?:markdown|domain)\//.test(target) ? null : `markdown imports ${target}`
  const own = adapterOf(from)
  if (own !== null) {
    const allowed =
      target.startsWith(own) || /^src\/(?:domain|markdown)\//.test(target) || SHARED.includes(target)
    return allowed ? null : `an adapter imports ${target}`
  }
  if (target.startsWith('src/adapters/')) return `a stage imports the adapter ${target}`
  if (target === 'src/config/load.ts' && !from.startsWith('src/config/'))
    return 'only the composition loads the configuration'
  return null
}
