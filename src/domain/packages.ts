import { MAX_PACKAGES, PACKAGE_MANAGERS, type PackageManager, readPackage } from '@creel/protocol'
import { CreelError } from './errors.ts'

/** Packages of an agent's image: as `readPackage` writes them, sorted, each name once. */
export type PackageList = Readonly<Record<PackageManager, readonly string[]>>

export const NO_PACKAGES: PackageList = { apt: [], npm: [], pip: [] }

type Names = Partial<Record<PackageManager, readonly string[]>>

/**
 * The one form of a list that somebody wrote; of one name twice the last one counts. Throws `invalid` for what is no
 * package, and for more than an agent may have.
 */
export function packageList(names: Names): PackageList {
  const lists = PACKAGE_MANAGERS.map((manager) => {
    const byName = new Map<string, string>()
    for (const text of names[manager] ?? []) {
      const read = readPackage(manager, text)
      if (typeof read === 'string') throw new CreelError('invalid', read)
      byName.set(read.name, read.text)
    }
    return [manager, [...byName.values()].sort()] as const
  })
  const list: PackageList = { ...NO_PACKAGES, ...Object.fromEntries(lists) }
  if (countOf(list) > MAX_PACKAGES)
    throw new CreelError(
      'invalid',
      `an agent has at most ${MAX_PACKAGES} packages, these would be ${countOf(list)}`,
    )
  return list
}

/** With more of them; another version of one that is there takes its place. Throws as packageList does. */
export function withPackages(list: PackageList, more: Names): PackageList {
  return packageList(both(list, more))
}

/** Without these, whatever their version. Throws as packageList does, and `not_found` for one that is not in it. */
export function withoutPackages(list: PackageList, names: Names): PackageList {
  const gone = packageList(names)
  const kept = PACKAGE_MANAGERS.map((manager) => {
    const left = new Set(gone[manager].map((text) => nameOf(manager, text)))
    const rest = list[manager].filter((text) => !left.delete(nameOf(manager, text)))
    const [missing] = left
    if (missing !== undefined) throw new CreelError('not_found', `${manager}:${missing} is not installed`)
    return [manager, rest] as const
  })
  return { ...NO_PACKAGES, ...Object.fromEntries(kept) }
}

/** The same for the same packages. */
export function packagesKey(list: PackageList): string {
  return JSON.stringify(PACKAGE_MANAGERS.map((manager) => list[manager]))
}

export function countOf(list: PackageList): number {
  return PACKAGE_MANAGERS.reduce((sum, manager) => sum + list[manager].length, 0)
}

/** Each as a person types it: `apt:jq`. */
export function packageWords(list: PackageList): readonly string[] {
  return PACKAGE_MANAGERS.flatMap((manager) => list[manager].map((text) => `${manager}:${text}`))
}

/** What a person typed. Throws `invalid`. */
export function packagesTyped(words: readonly string[]): PackageList {
  const names: Record<PackageManager, string[]> = { apt: [], npm: [], pip: [] }
  for (const word of words) {
    const manager = PACKAGE_MANAGERS.find((name) => word.startsWith(`${name}:`))
    if (manager === undefined)
      throw new CreelError(
        'invalid',
        `${JSON.stringify(word.slice(0, 100))}: expected apt:NAME, npm:NAME or pip:NAME`,
        { hint: 'such as apt:jq, npm:prettier@3.6.2 or pip:openpyxl==3.1.5' },
      )
    names[manager].push(word.slice(manager.length + 1))
  }
  return packageList(names)
}

function both(a: Names, b: Names): Names {
  return Object.fromEntries(
    PACKAGE_MANAGERS.map((manager) => [manager, [...(a[manager] ?? []), ...(b[manager] ?? [])]]),
  )
}

function nameOf(manager: PackageManager, text: string): string {
  const read = readPackage(manager, text)
  return typeof read === 'string' ? text : read.name
}
