import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** The host writes it into its data folder once, at its first start. */
export const INSTALL_ID_FILE = 'install-id'
const INSTALL_ID = /^[A-Za-z0-9-]{8,64}$/
const READ_BYTES = 100

/**
 * The install's id, or null as long as there is none. Links are not followed: the client of this filter can
 * write to that folder. Throws for an id in an unknown form.
 */
export function readInstallId(dataDir: string): string | null {
  const fd = openOrNull(join(dataDir, INSTALL_ID_FILE))
  if (fd === null) return null
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${INSTALL_ID_FILE}: expected a file`)
    const buffer = Buffer.alloc(READ_BYTES)
    const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, READ_BYTES, 0)).trim()
    if (text === '') return null
    if (!INSTALL_ID.test(text))
      throw new Error(`${INSTALL_ID_FILE}: expected 8 to 64 letters, digits and dashes`)
    return text
  } finally {
    closeSync(fd)
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
