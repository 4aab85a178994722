import { chmodSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { CreelError } from './domain/errors.ts'

/** Bytes that fit into `sun_path` before its final zero: unix(7), and 104 in all on the BSDs and macOS. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103

/**
 * Makes the folder and clears away the socket that an earlier process left, so that a server can listen at `path`.
 * The folder is for the host to write and the sandbox to enter; it lies inside the private data directory.
 */
export function makeRoomForSocket(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > MAX_PATH_BYTES)
    throw new CreelError(
      'invalid',
      `unix socket path ${path} is ${bytes} bytes, more than the ${MAX_PATH_BYTES} the system allows`,
      { hint: 'choose a shorter data_dir' },
    )
  try {
    const folder = dirname(path)
    // One level at a time: mkdir with `recursive` can spin for ever (https://github.com/openclaw/openclaw/issues/130807).
    for (const level of [dirname(dirname(folder)), dirname(folder), folder])
      if (!statSync(level, { throwIfNoEntry: false })) mkdirSync(level, 0o700)
    chmodSync(folder, 0o755)
    const old = lstatSync(path, { throwIfNoEntry: false })
    if (old) unlinkSync(path)
  } catch (error) {
    throw new CreelError('unavailable', `cannot make a socket at ${path}`, {
      hint: 'the data directory must be writable for the account that runs creel',
      cause: error,
    })
  }
}

/** Whether the socket file is still where it was made. */
export function socketExists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
}
