import { type Edge, wrongDirection } from './directions.ts'
import { cycles, importsOf, ownFile } from './imports.ts'
import { splitLayers } from './source-text.ts'
import { shapeProblems, textProblems } from './text-rules.ts'

/** A start must not pay for what it may never use: the other providers and commands, large libraries. */
const MAY_IMPORT_LATER: ReadonlySet<string> = new Set([
  'container/runner/src/providers.ts',
  'src/adapters/gateway/proxy/certificate-authority.ts',
  'src/adapters/skills/skill-file.ts',
  'src/cli/bench-command.ts',
  'src/cli/setup-command.ts',
  'src/host-parts.ts',
  'src/main.ts',
])

/** Everything that breaks a rule in a tree of TypeScript files (path in the project → text); empty when all is well. */
export function checkTree(files: ReadonlyMap<string, string>): string[] {
  const problems: string[] = []
  const edges = new Map<string, string[]>()
  for (const [file, text] of files) {
    const layers = splitLayers(text)
    problems.push(...shapeProblems(file, text), ...textProblems(file, text, layers))
    const targets: string[] = []
    for (const statement of importsOf(text, layers)) {
      const where = `${file}:${statement.line}`
      if (statement.forEffect) problems.push(`${where}: imported for its effect: ${statement.specifier}`)
      if (statement.dynamic && !MAY_IMPORT_LATER.has(file))
        problems.push(`${where}: dynamic import: ${statement.specifier}`)
      const edge: Edge = {
        from: file,
        specifier: statement.specifier,
        target: ownFile(file, statement.specifier),
      }
      const wrong = wrongDirection(edge)
      if (wrong !== null) problems.push(`${where}: ${wrong}`)
      if (edge.target !== null) targets.push(edge.target)
    }
    edges.set(file, targets)
  }
  for (const cycle of cycles(edges)) problems.push(`import cycle: ${[...cycle, cycle[0]].join(' -> ')}`)
  return problems
}
