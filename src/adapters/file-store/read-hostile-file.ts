import { createHash, type Hash } from 'node:crypto'
import { constants, readlinkSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { imageSize } from 'image-size'
import type { FileAnswer, FileJob } from './wire.ts'

type Image = Extract<FileAnswer, { kind: 'read' }>['image']

const CHUNK = 256 * 1024
/** An image says its size near its beginning; behind large camera data at worst. */
const HEAD = 512 * 1024

/** What only the writing of the copy can come to. */
const OWN_DISK: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS'])

const OGG = Buffer.from('OggS')
const OPUS = Buffer.from('OpusHead')

const IMAGE_TYPES = { png: 'image/png', jpg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' } as const

/**
 * Reads one file that a sandbox may have put there, and copies it. Everything is looked at on the open file, so that
 * nothing can be exchanged in between. Never throws for what a sandbox can do; reasons name no path. Runs only in the
 * child process.
 */
export async function readHostileFile(job: FileJob): Promise<FileAnswer> {
  let from: FileHandle
  try {
    // O_NONBLOCK: opening a FIFO without it waits for a writer. O_NOFOLLOW: a link may name any file of the host.
    from = await open(job.from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    return refused(openFailure(error))
  }
  try {
    const problem = await refuse(from, job)
    if (problem !== null) return refused(problem)
    return job.to === undefined ? await copy(from, null, job) : await copyTo(from, job.to, job)
  } finally {
    await from.close()
  }
}

async function refuse(file: FileHandle, { from, maxBytes }: FileJob): Promise<string | null> {
  const stat = await file.stat()
  if (!stat.isFile()) return 'it is not a regular file'
  if (stat.nlink > 1) return 'it has a second name (hard link)'
  if (stat.size > maxBytes) return `it has ${stat.size} bytes, more than ${maxBytes}`
  // A folder on the way that is a link would pass O_NOFOLLOW. Where there is no /proc, the sticky folders must do.
  if (process.platform === 'linux' && stat.nlink === 1 && readlinkSync(`/proc/self/fd/${file.fd}`) !== from)
    return 'it does not lie where it should'
  return null
}

async function copyTo(from: FileHandle, target: string, job: FileJob): Promise<FileAnswer> {
  try {
    return await writeCopy(from, target, job)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!OWN_DISK.has(code)) throw error
    return { kind: 'failed', reason: `the disk of the host does not take it (${code})` }
  }
}

async function writeCopy(from: FileHandle, target: string, job: FileJob): Promise<FileAnswer> {
  const to = await open(target, 'wx', 0o644)
  let answer: FileAnswer | undefined
  try {
    answer = await copy(from, to, job)
    await to.sync()
    return answer
  } finally {
    await to.close()
    if (answer?.kind !== 'read') await rm(target, { force: true })
  }
}

async function copy(from: FileHandle, to: FileHandle | null, job: FileJob): Promise<FileAnswer> {
  const hash: Hash = createHash('sha256')
  const chunk = Buffer.alloc(CHUNK)
  const head: Buffer[] = []
  let bytes = 0
  for (;;) {
    const { bytesRead } = await from.read(chunk, 0, CHUNK)
    if (bytesRead === 0) break
    const piece = chunk.subarray(0, bytesRead)
    if (bytes < HEAD) head.push(Buffer.from(piece))
    bytes += bytesRead
    // It may grow while it is read.
    if (bytes > job.maxBytes) return refused(`it has more than ${job.maxBytes} bytes`)
    hash.update(piece)
    await to?.writeFile(piece)
  }
  const beginning = Buffer.concat(head)
  const voice = isVoice(beginning) ? { voice: true as const } : {}
  return { kind: 'read', sha256: hash.digest('hex'), bytes, image: imageOf(beginning), ...voice }
}

/** Type and size by the bytes themselves. What cannot be told is no image. */
function imageOf(head: Uint8Array): Image {
  try {
    const { type, width, height } = imageSize(head)
    const mime = Object.entries(IMAGE_TYPES).find(([name]) => name === type)?.[1]
    const known =
      mime !== undefined && [width, height].every((side) => Number.isSafeInteger(side) && side > 0)
    return known ? { mime, width, height } : null
  } catch (error) {
    // The library's way to say that these bytes are no image, or a broken one.
    if (error instanceof Error) return null
    throw error
  }
}

/** The first page of an Ogg file with one packet in it: https://www.rfc-editor.org/rfc/rfc7845#section-3 */
function isVoice(head: Buffer): boolean {
  return head.subarray(0, 4).equals(OGG) && head.subarray(28, 36).equals(OPUS)
}

function openFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (code === 'ENOENT') return 'it is not there'
  if (code === 'ELOOP') return 'it is a link'
  return `it cannot be opened (${code})`
}

function refused(reason: string): FileAnswer {
  return { kind: 'refused', reason }
}
