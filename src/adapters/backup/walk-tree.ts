import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'

export type TreeEntry =
  | { readonly kind: 'folder'; readonly name: string; readonly stat: Stats }
  | { readonly kind: 'link'; readonly name: string; readonly stat: Stats; readonly target: string }
  /** `open` is valid until the next step of the walk; close what it returns. */
  | { readonly kind: 'file'; readonly name: string; readonly stat: Stats; readonly open: () => number }
  /** Not a file of ours to keep: a socket, a device, or nothing that may be read. */
  | { readonly kind: 'skipped'; readonly name: string; readonly why: string }

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Everything below a folder, parents first. A sandbox may be changing the tree meanwhile: no link is followed, not
 * even one that takes the place of a folder between two looks (on Linux; elsewhere only links that lie there already).
 */
export function* walkTree(root: string, skip: (name: string) => boolean, name = ''): Generator<TreeEntry> {
  let folder: number
  try {
    folder = openSync(root, FOLDER)
  } catch (error) {
    yield { kind: 'skipped', name, why: codeOf(error) }
    return
  }
  try {
    const base = process.platform === 'linux' ? `/proc/self/fd/${folder}` : root
    if (name !== '') yield { kind: 'folder', name, stat: fstatSync(folder) }
    for (const child of readdirSync(base).sort()) {
      const childName = name === '' ? child : `${name}/${child}`
      if (!skip(childName)) yield* entryAt(join(base, child), childName, skip)
    }
  } finally {
    closeSync(folder)
  }
}

function* entryAt(path: string, name: string, skip: (name: string) => boolean): Generator<TreeEntry> {
  try {
    const stat = lstatSync(path)
    if (stat.isDirectory()) {
      yield* walkTree(path, skip, name)
    } else if (stat.isSymbolicLink()) {
      yield { kind: 'link', name, stat, target: readlinkSync(path) }
    } else if (stat.isFile()) {
      yield { kind: 'file', name, stat, open: () => openSync(path, FILE) }
    } else yield { kind: 'skipped', name, why: 'neither file, folder nor link' }
  } catch (error) {
    yield { kind: 'skipped', name, why: codeOf(error) }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'cannot be read'
}
