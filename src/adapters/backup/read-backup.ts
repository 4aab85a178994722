import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  createReadStream,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { CreelError, errorText } from '../../domain/errors.ts'
import { BackupManifest, MANIFEST } from './manifest.ts'

const MAX_MANIFEST = 256 * 1024 * 1024

interface Unpacked {
  readonly size: number
  readonly sha256: string
}

/**
 * Unpacks a backup into folders made for it: `roots` says which new folder stands for which name. Everything is
 * checked against the manifest before it returns; nothing outside of `roots` is written, whatever the file says.
 * Throws CreelError `invalid` for a file that is damaged, cut off or not a backup.
 */
export async function readBackup(
  file: string,
  roots: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<BackupManifest> {
  const found = new Map<string, Unpacked>()
  const links: { path: string; target: string }[] = []
  const modes: { path: string; header: Header }[] = []
  let manifest: BackupManifest | null = null
  try {
    const tar = extract()
    createReadStream(file, { signal })
      .on('error', (error) => tar.destroy(error))
      .pipe(createGunzip())
      .on('error', (error) => tar.destroy(error))
      .pipe(tar)
    for await (const entry of tar) {
      const { header } = entry
      if (header.name === MANIFEST) {
        manifest = BackupManifest.parse(JSON.parse(await textOf(entry)))
        continue
      }
      const path = placeOf(header.name, roots)
      mkdirSync(header.type === 'directory' ? path : dirname(path), { recursive: true, mode: 0o700 })
      // Links come last, so that nothing is ever written through one.
      if (header.type === 'symlink') links.push({ path, target: header.linkname ?? '' })
      else if (header.type === 'file') found.set(header.name, await unpack(entry, path))
      if (header.type === 'symlink' || header.type === 'directory') entry.resume()
      if (header.type !== 'symlink') modes.push({ path, header })
    }
  } catch (error) {
    if (error instanceof CreelError) throw error
    throw isFull(error) ? noRoom(file, error) : damaged(file, errorText(error), error)
  }
  if (!manifest) throw damaged(file, 'it has no end')
  check(file, manifest, found)
  for (const { path, target } of links) symlinkSync(target, path)
  for (const { path, header } of modes.reverse()) giveBack(path, header)
  return manifest
}

function check(file: string, manifest: BackupManifest, found: ReadonlyMap<string, Unpacked>): void {
  if (manifest.files.length !== found.size) throw damaged(file, 'files are missing, or too many')
  for (const { name, size, sha256 } of manifest.files) {
    const unpacked = found.get(name)
    if (unpacked?.size !== size || unpacked.sha256 !== sha256)
      throw damaged(file, `${name} is not what was saved`)
  }
}

function placeOf(name: string, roots: Readonly<Record<string, string>>): string {
  const [root = '', ...parts] = name.replace(/\/$/, '').split('/')
  const folder = Object.hasOwn(roots, root) ? roots[root] : undefined
  if (
    folder === undefined ||
    parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))
  )
    throw new CreelError('invalid', 'this is not a backup of Creel: it names a place that is none')
  return join(folder, ...parts)
}

async function unpack(entry: AsyncIterable<unknown>, path: string): Promise<Unpacked> {
  const fd = openSync(path, 'wx', 0o600)
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of entry) {
      if (!Buffer.isBuffer(chunk)) continue
      for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done)
      hash.update(chunk)
      size += chunk.length
    }
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  return { size, sha256: hash.digest('hex') }
}

/** As root, what it was; else a file that belonged to a sandbox's user is opened to it: it cannot be given back. */
function giveBack(path: string, { mode = 0o600, uid = 0, gid = 0 }: Header): void {
  const us = process.getuid?.() ?? uid
  if (us === 0) lchownSync(path, uid, gid)
  const open = us !== 0 && uid !== us ? 0o666 | (mode & 0o111 ? 0o111 : 0) : 0
  chmodSync(path, (mode | open) & 0o7777)
}

async function textOf(entry: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of entry) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > MAX_MANIFEST) throw new CreelError('invalid', 'the manifest of this backup is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

function noRoom(file: string, cause: unknown): CreelError {
  return new CreelError('unavailable', `there is no room to unpack ${file}`, {
    hint: 'nothing was changed; free as much space as data and groups of the backup take',
    cause,
  })
}

function damaged(file: string, why: string, cause?: unknown): CreelError {
  return new CreelError('invalid', `${file} is damaged or not a backup of Creel: ${why}`, {
    hint: 'nothing was changed; take another backup',
    ...(cause === undefined ? {} : { cause }),
  })
}
