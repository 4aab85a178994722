import { mkdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import type { Log } from '../log.ts'
import type { Paths } from '../paths.ts'

const MAX_BYTES = 20 * 1024 * 1024
/** Older logs kept beside the current one: host.log.1 is the newest. */
export const KEPT_LOGS = 4
/** What a host without a terminal prints: next to nothing, unless something goes very wrong. */
const MAX_OUT_BYTES = 2 * 1024 * 1024
const LOOK_EVERY_MS = 30_000

/** Many lines of one turn of the event loop are written together, but never so many bytes. */
const MAX_HELD_BYTES = 64 * 1024

export interface HostLog extends Disposable {
  readonly log: Log
  /** What was said is in the file when it returns. */
  flush(): void
}

export interface HostLogOptions {
  readonly maxBytes?: number
  /** Takes secrets out of each line. */
  readonly clean?: (line: string) => string
  /** What this process prints, when that goes to a file: kept small, too. */
  readonly outFile?: string
}

/**
 * The log of the host: JSON lines in a file that cannot grow without bound, not even between two looks. A kill between
 * two renames leaves a gap in the numbers and no other harm.
 */
export function openHostLog(file: string, level: string, options: HostLogOptions = {}): HostLog {
  const { maxBytes = MAX_BYTES, clean = (line: string) => line, outFile } = options
  mkdirSync(dirname(file), { recursive: true })
  if (sizeOf(file) >= maxBytes) moveAside(file)
  const destination = pino.destination({ dest: file, sync: true })
  // Without a listener a full disk would end the host: the line is lost, what it tells of goes on.
  destination.on('error', () => undefined)
  let bytes = sizeOf(file)
  let held = ''
  let isHolding = false
  const flush = () => {
    if (held === '') return
    const lines = held
    held = ''
    destination.write(lines)
    bytes += Buffer.byteLength(lines)
    if (bytes < maxBytes) return
    bytes = 0
    try {
      moveAside(file)
      destination.reopen(file)
    } catch (error) {
      log.error({ err: error }, 'log could not be rotated')
    }
  }
  // The first line of a turn is written at once. The rest of it waits for its end: a write for each line is a tenth of
  // what a flood of messages costs.
  const write = (line: string) => {
    held += clean(line)
    if (isHolding && held.length < MAX_HELD_BYTES && bytes + held.length < maxBytes) return
    flush()
    if (isHolding) return
    isHolding = true
    setImmediate(() => {
      isHolding = false
      flush()
    })
  }
  process.on('exit', flush)
  const log = pino({ level, base: null }, { write })
  const timer = setInterval(() => keepSmall(outFile, log), LOOK_EVERY_MS)
  timer.unref()
  const end = () => {
    clearInterval(timer)
    process.off('exit', flush)
    flush()
  }
  return { log, flush, [Symbol.dispose]: end }
}

/** Where a host in the background prints to. */
export function outFileOf({ logFile }: Paths): string {
  return join(dirname(logFile), 'host.out')
}

/** Makes room for a new file under this name: `file` becomes `file.1`, and so on; the oldest goes. */
export function moveAside(file: string, kept: number = KEPT_LOGS): void {
  rmSync(`${file}.${kept}`, { force: true })
  for (let n = kept - 1; n >= 1; n -= 1) renameIfThere(`${file}.${n}`, `${file}.${n + 1}`)
  renameIfThere(file, `${file}.1`)
}

/** Its writer appends, so it goes on at the new end. */
function keepSmall(file: string | undefined, log: Log): void {
  if (file === undefined || sizeOf(file) < MAX_OUT_BYTES) return
  try {
    truncateSync(file, 0)
    log.warn({ file, bytes: MAX_OUT_BYTES }, 'printed output was cut: it had grown too large')
  } catch (error) {
    log.error({ err: error, file }, 'printed output could not be cut')
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function renameIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false })) renameSync(from, to)
}
