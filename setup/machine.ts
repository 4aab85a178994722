import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunCommand, runCommand } from './command.ts'
import { type PingAnswer, pingEngine } from './engine-ping.ts'

/** The computer that is set up, as far as setting it up needs to know it. Tests put a described one in its place. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly uid: number
  /** Name of process 1: `systemd`, or something else in a container. */
  readonly init: string
  readonly run: RunCommand
  /** A program of this name can be run; the folders of the system's daemons are looked through as well. */
  has(command: string): boolean
  exists(path: string): boolean
  ping(socket: string): Promise<PingAnswer>
  /** Starts a program that outlives this one, its output in `logFile`. */
  startDetached(command: string, args: readonly string[], logFile: string): void
  /** The end of a text file, or '' when there is none. */
  tail(file: string): string
  sleep(ms: number): Promise<void>
}

export function thisMachine(): Machine {
  return {
    platform: process.platform,
    uid: process.getuid?.() ?? -1,
    init: existsSync('/proc/1/comm') ? readFileSync('/proc/1/comm', 'utf8').trim() : '',
    run: runCommand,
    has: (command) => searchPath().some((folder) => isRunnable(join(folder, command))),
    exists: existsSync,
    ping: pingEngine,
    startDetached,
    tail: (file) =>
      existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-15).join('\n') : '',
    sleep: (ms) => sleep(ms),
  }
}

/** Daemons lie in folders that an ordinary user's PATH leaves out. */
function searchPath(): string[] {
  return [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean)
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

function startDetached(command: string, args: readonly string[], logFile: string): void {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: searchPath().join(':') },
  })
  // A program that cannot be started shows as one that never answers; its reader looks into the log.
  child.once('error', () => child.unref())
  child.unref()
}
