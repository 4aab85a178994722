import { z } from 'zod'
import { importsOf, packageName } from './imports.ts'
import { splitLayers } from './source-text.ts'

const Lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      resolved: z.string().optional(),
      link: z.boolean().optional(),
    }),
  ),
})
type Lockfile = z.infer<typeof Lockfile>

const Manifest = z.object({ dependencies: z.record(z.string(), z.string()).default({}) })

export function readLockfile(text: string): Lockfile {
  return Lockfile.parse(JSON.parse(text))
}

/** Packages that the lock file binds to one registry's address, which other machines may not reach. */
export function boundToRegistry(lockfile: Lockfile): string[] {
  return Object.entries(lockfile.packages).flatMap(([name, entry]) =>
    entry.resolved !== undefined && /^(?:https?|git)/.test(entry.resolved) ? [name] : [],
  )
}

/** Packages that both lock files hold at their top level, in different versions. */
export function disagreements(host: Lockfile, container: Lockfile): string[] {
  return Object.entries(container.packages).flatMap(([name, entry]) => {
    const other = host.packages[name]?.version
    const differs =
      /^node_modules\//.test(name) && !entry.link && other !== undefined && other !== entry.version
    return differs ? [`${name}: host ${other}, container ${entry.version}`] : []
  })
}

/** Names of a package.json's runtime dependencies. */
export function dependencies(manifest: string): string[] {
  return Object.keys(Manifest.parse(JSON.parse(manifest)).dependencies)
}

/** Runtime dependencies that no file imports. */
export function unused(names: readonly string[], files: ReadonlyMap<string, string>): string[] {
  const imported = new Set<string>()
  for (const text of files.values())
    for (const { specifier } of importsOf(text, splitLayers(text))) imported.add(packageName(specifier) ?? '')
  return names.filter((name) => !imported.has(name))
}
