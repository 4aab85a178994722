import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'
import type { Log } from '../log.ts'

const MAX_BYTES = 20 * 1024 * 1024
/** Older logs kept beside the current one: host.log.1 is the newest. */
const KEPT = 4
const LOOK_EVERY_MS = 30_000

export interface HostLog extends Disposable {
  readonly log: Log
  /** Starts a new file when the current one has grown too large. Called by itself now and then. */
  rotate(): void
}

/** The log of the host: JSON lines in a file that cannot grow without bound; `clean` takes secrets out of them. */
export function openHostLog(
  file: string,
  level: string,
  options: { readonly maxBytes?: number; readonly clean?: (line: string) => string } = {},
): HostLog {
  const { maxBytes = MAX_BYTES, clean = (line: string) => line } = options
  mkdirSync(dirname(file), { recursive: true })
  const destination = pino.destination({ dest: file, sync: true })
  // Without a listener a full disk would end the host: the line is lost, what it tells of goes on.
  destination.on('error', () => undefined)
  const log = pino({ level, base: null }, { write: (line) => void destination.write(clean(line)) })
  const rotate = () => {
    try {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < maxBytes) return
      rmSync(`${file}.${KEPT}`, { force: true })
      for (let n = KEPT - 1; n >= 1; n -= 1) renameIfThere(`${file}.${n}`, `${file}.${n + 1}`)
      renameIfThere(file, `${file}.1`)
      destination.reopen(file)
    } catch (error) {
      log.error({ err: error }, 'log could not be rotated')
    }
  }
  rotate()
  const timer = setInterval(rotate, LOOK_EVERY_MS)
  timer.unref()
  return { log, rotate, [Symbol.dispose]: () => clearInterval(timer) }
}

function renameIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false })) renameSync(from, to)
}
