import { posix } from 'node:path'
import { lineAt, type SourceLayers } from './source-text.ts'

export interface ImportStatement {
  readonly specifier: string
  readonly line: number
  /** `import 'x'` with no names: run for what it does. */
  readonly forEffect: boolean
  /** `import(…)`, as a call or as a type. */
  readonly dynamic: boolean
}

const STATIC = /^(?:import\s*|(?:import|export)\b(?!\s*\()[^'"`;=]*?\bfrom\s*)(['"])( *)\1/gm
const DYNAMIC = /\bimport\s*\(\s*(?:(['"`])( *)\1)?/g

/** All imports and re-exports of one file, `import type` too. */
export function importsOf(text: string, layers: SourceLayers): ImportStatement[] {
  const found: ImportStatement[] = []
  for (const match of layers.code.matchAll(STATIC)) {
    const length = match[2]?.length ?? 0
    const end = match.index + match[0].length - 1
    found.push({
      specifier: text.slice(end - length, end),
      line: lineAt(text, match.index),
      forEffect: /^import\s*['"]/.test(match[0]),
      dynamic: false,
    })
  }
  for (const match of layers.code.matchAll(DYNAMIC)) {
    const length = match[2]?.length ?? 0
    const end = match.index + match[0].length - 1
    found.push({
      specifier: match[1] === undefined ? '?' : text.slice(end - length, end),
      line: lineAt(text, match.index),
      forEffect: false,
      dynamic: true,
    })
  }
  return found
}

/** Our own workspaces by the name they are imported under. */
const OWN_PACKAGES: Readonly<Record<string, string>> = {
  '@creel/protocol': 'container/protocol/src/index.ts',
}

/** The file of ours that `specifier` names from `importer`, both relative to the project; null for a package. */
export function ownFile(importer: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(importer), specifier)
  return OWN_PACKAGES[specifier] ?? null
}

/** `better-sqlite3/lib/x` → `better-sqlite3`; null for a file of ours. */
export function packageName(specifier: string): string | null {
  if (specifier.startsWith('.')) return null
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? null)
}

/** Every cycle once, as the files on it. `edges` maps a file to the files it imports. */
export function cycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const start = path.indexOf(file)
    if (start >= 0) {
      found.push(path.slice(start))
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const next of edges.get(file) ?? []) visit(next)
    path.pop()
    done.add(file)
  }
  for (const file of edges.keys()) visit(file)
  return found
}
