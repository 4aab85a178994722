import { SANDBOX_PATHS } from '@creel/protocol'
import { isGroupName } from '../domain/ids.ts'
import { DeniedError, type Policy } from './policy.ts'

export interface BindMount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

interface MountRule {
  readonly root: 'data' | 'groups'
  /** Path below the root, in parts; null stands for the group's name. */
  readonly parts: readonly (string | null)[]
  readonly target: string
  readonly readOnly: boolean
}

/** Every folder that a sandbox may see. host.db, the vault, logs and other groups match no row. */
const RULES: readonly MountRule[] = [
  { root: 'data', parts: ['mail', null, 'in'], target: SANDBOX_PATHS.in, readOnly: true },
  { root: 'data', parts: ['mail', null, 'out'], target: SANDBOX_PATHS.out, readOnly: false },
  { root: 'data', parts: ['run', null], target: SANDBOX_PATHS.run, readOnly: true },
  { root: 'data', parts: ['agents', null, 'home'], target: SANDBOX_PATHS.home, readOnly: false },
  { root: 'data', parts: ['skills', null], target: SANDBOX_PATHS.skills, readOnly: true },
  { root: 'groups', parts: [null, 'workspace'], target: SANDBOX_PATHS.workspace, readOnly: false },
  { root: 'groups', parts: [null, 'memory'], target: SANDBOX_PATHS.memory, readOnly: false },
]

/**
 * Throws DeniedError unless each mount is one of the table's folders, at its own place, with its own read-only
 * flag, and all belong to one group. Judges text only: that no part is a link is `checkSources`'s work.
 */
export function judgeMounts(mounts: readonly BindMount[], roots: Policy['roots']): void {
  const groups = new Set<string>()
  const targets = new Set<string>()
  for (const mount of mounts) {
    groups.add(groupOf(mount, roots))
    if (targets.has(mount.target)) throw new DeniedError('two mounts have one target')
    targets.add(mount.target)
  }
  if (groups.size > 1) throw new DeniedError('mounts of more than one group')
}

function groupOf(mount: BindMount, roots: Policy['roots']): string {
  for (const rule of RULES) {
    const group = match(mount.source, roots[rule.root], rule.parts)
    if (group === null) continue
    if (mount.target !== rule.target)
      throw new DeniedError(`mount of ${rule.parts.at(-1) ?? rule.target}: expected target ${rule.target}`)
    if (rule.readOnly && !mount.readOnly)
      throw new DeniedError(`the mount at ${rule.target} must be read-only`)
    return group
  }
  throw new DeniedError('a mount source is not a folder that a sandbox may see')
}

function match(source: string, root: string, parts: readonly (string | null)[]): string | null {
  if (!source.startsWith(`${root}/`)) return null
  const given = source.slice(root.length + 1).split('/')
  if (given.length !== parts.length) return null
  const group = given[parts.indexOf(null)] ?? ''
  const same = parts.every((part, at) => part === null || part === given[at])
  return same && isGroupName(group) ? group : null
}
