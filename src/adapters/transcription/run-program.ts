import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { setPriority } from 'node:os'
import type { CommandAnswer, CommandJob } from './wire.ts'

/** Whoever talks to the host goes first. */
const NICENESS = 10
const MAX_DETAIL = 1_000

/** One run of the owner's program, in a process group of its own. Runs only in the child process. */
export class ProgramRun {
  readonly #job: CommandJob
  #program: ChildProcess | null = null

  constructor(job: CommandJob) {
    this.#job = job
  }

  /** Ends with the program and all that it started. Never rejects. */
  async answer(): Promise<CommandAnswer> {
    const { program, args, folder, input, env, maxOutput } = this.#job
    const running = spawn(program, args, {
      ...{ cwd: folder, env, shell: false, detached: true },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    this.#program = running
    const ended = once(running, 'exit').then(
      ([code, signal]) => ({ code: code as number | null, signal: signal as string | null }),
      (error: unknown) => ({ failure: errorCode(error) }),
    )
    lower(running.pid)
    if (input !== undefined) feed(running, input)
    const printed = collect(running.stdout, maxOutput, () => this.kill())
    const complaint = lastOf(running.stderr)
    const end = await ended
    // What it left behind would keep the pipes open.
    this.kill()
    if ('failure' in end)
      return failed('the transcription program cannot be started', `${program}: ${end.failure}`)
    const { text, flooded } = await printed
    if (flooded) return failed(`the transcription program printed more than ${maxOutput} bytes`, '')
    const how = end.signal === null ? `code ${end.code}` : end.signal
    if (end.code !== 0) return failed(`the transcription program failed (${how})`, await complaint)
    return { kind: 'words', text }
  }

  /** With all that it started. Idempotent. */
  kill(): void {
    const pid = this.#program?.pid
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch (error) {
      // The whole group is gone.
      if (errorCode(error) !== 'ESRCH' && errorCode(error) !== 'EPERM') throw error
    }
  }
}

/** It may end without having read all of it. */
function feed({ stdin }: ChildProcess, input: string): void {
  if (stdin === null) return
  const source = createReadStream(input)
  stdin.on('error', () => source.destroy())
  source.on('error', () => stdin.destroy())
  source.pipe(stdin)
}

function collect(
  stream: ChildProcess['stdout'],
  maxBytes: number,
  onFlood: () => void,
): Promise<{ text: string; flooded: boolean }> {
  const pieces: Buffer[] = []
  let bytes = 0
  return new Promise((resolve) => {
    if (stream === null) return resolve({ text: '', flooded: false })
    stream.on('data', (piece: Buffer) => {
      if (bytes <= maxBytes) pieces.push(piece)
      bytes += piece.byteLength
      if (bytes > maxBytes) onFlood()
    })
    const end = () => resolve({ text: Buffer.concat(pieces).toString('utf8'), flooded: bytes > maxBytes })
    stream.once('close', end).once('error', end)
  })
}

/** The end of what it wrote about its trouble; the rest is thrown away as it comes. */
function lastOf(stream: ChildProcess['stderr']): Promise<string> {
  let last = ''
  return new Promise((resolve) => {
    if (stream === null) return resolve('')
    stream.on('data', (piece: Buffer) => {
      last = (last + piece.toString('utf8')).slice(-MAX_DETAIL)
    })
    const end = () => resolve(last.trim().split('\n').at(-1) ?? '')
    stream.once('close', end).once('error', end)
  })
}

function lower(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    setPriority(pid, NICENESS)
  } catch (error) {
    // It has ended already.
    if (errorCode(error) === 'unknown') throw error
  }
}

function failed(reason: string, detail: string): CommandAnswer {
  return { kind: 'failed', reason, detail: detail.slice(0, MAX_DETAIL) }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
