import { lstat, realpath } from 'node:fs/promises'
import { DeniedError, type Policy } from './policy.ts'

/** Where this process sees the folders that the engine knows as `Policy.roots`. */
export type OwnView = Policy['roots']

/**
 * Throws DeniedError unless every source is an existing folder reached without a link. The client may write to
 * the same folders, so a link put in the place of one after this check and before the engine mounts it is not
 * caught; what it could win is a view with the sandbox's own rights: no root, no capability, no network.
 */
export async function checkSources(
  sources: readonly string[],
  roots: Policy['roots'],
  view: OwnView,
): Promise<void> {
  for (const source of sources) {
    const seen = ownPath(source, roots, view)
    if (seen === null) throw new DeniedError('a mount source is outside the data and groups folders')
    if (!(await isPlainFolder(seen)))
      throw new DeniedError('a mount source is missing, or leads through a link')
  }
}

function ownPath(source: string, roots: Policy['roots'], view: OwnView): string | null {
  for (const root of ['data', 'groups'] as const)
    if (source.startsWith(`${roots[root]}/`)) return view[root] + source.slice(roots[root].length)
  return null
}

async function isPlainFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory() && (await realpath(path)) === path
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}
