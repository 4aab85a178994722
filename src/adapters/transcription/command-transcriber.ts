import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnv, childFlags } from '../../child-flags.ts'
import { type Recording, type Transcriber, TranscriptionError } from '../../domain/ports/transcription.ts'
import { RECORDING } from '../../domain/transcription.ts'
import { recordingName } from './recording-name.ts'
import { CommandAnswer, type CommandJob } from './wire.ts'

/** A million characters are ten hours of speech. */
const MAX_OUTPUT = 1_000_000
/** From being told to end to being killed. */
const END_MS = 2_000
/** Where the program and its tools are looked for: nothing of the host's own environment goes to them. */
export const PROGRAM_PATH = '/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin'

export interface CommandTranscriberOptions {
  /** Program and arguments; `{file}` in an argument is the path of the recording, else it is the standard input. */
  readonly command: readonly [string, ...string[]]
  /** Of this transcriber alone; emptied at its first use. */
  readonly folder: string
}

/** Has a program of the owner write recordings down: without a shell, with nothing but a copy of the file. */
export class CommandTranscriber implements Transcriber {
  readonly #options: CommandTranscriberOptions
  readonly #running = new Set<ChildProcess>()
  #prepared = false

  constructor(options: CommandTranscriberOptions) {
    this.#options = options
  }

  async transcribe({ path, mime }: Recording, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    const folder = await this.#folder()
    try {
      const copy = join(folder, recordingName(mime))
      // A copy: the program may change it, and the store's own file must stay what its hash says.
      await copyFile(path, copy)
      return wordsOf(await this.#ask(this.#job(folder, copy), signal))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((child) => end(child)))
  }

  #job(folder: string, copy: string): CommandJob {
    const [program, ...args] = this.#options.command
    const named = args.some((arg) => arg.includes(RECORDING))
    return {
      program,
      args: args.map((arg) => arg.replaceAll(RECORDING, copy)),
      folder,
      ...(named ? {} : { input: copy }),
      env: { PATH: PROGRAM_PATH, LANG: 'C.UTF-8', HOME: folder, TMPDIR: folder },
      maxOutput: MAX_OUTPUT,
    }
  }

  async #ask(job: CommandJob, signal: AbortSignal): Promise<CommandAnswer> {
    const child = fork(fileURLToPath(new URL('./command-main.ts', import.meta.url)), [], {
      env: childEnv(),
      execArgv: childFlags(64),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.#running.add(child)
    const ended = once(child, 'exit')
    try {
      return await answerOf(child, job, signal)
    } finally {
      await end(child, ended)
      this.#running.delete(child)
    }
  }

  /** What an earlier process left half done goes. */
  async #folder(): Promise<string> {
    const { folder } = this.#options
    if (!this.#prepared) rmSync(folder, { recursive: true, force: true })
    this.#prepared = true
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return await mkdtemp(join(folder, 'run-'))
  }
}

function answerOf(child: ChildProcess, job: CommandJob, signal: AbortSignal): Promise<CommandAnswer> {
  return new Promise((resolve, reject) => {
    const lost = (detail: string) =>
      reject(new TranscriptionError('the transcription program was lost', { detail, againAfterMs: 0 }))
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    child.once('message', (message) => {
      const answer = CommandAnswer.safeParse(message)
      if (answer.success) resolve(answer.data)
      else lost('an answer that is none')
    })
    child.once('error', (error) => lost(error.message))
    child.once('exit', (code) => lost(`its process ended with ${code}`))
    child.send(job, (error) => {
      if (error) lost(error.message)
    })
  })
}

/** Lets it end what it runs; kills it when it does not. Ends when it has ended. */
async function end(child: ChildProcess, ended: Promise<unknown> = once(child, 'exit')): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  if (child.connected) child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
  await ended
  clearTimeout(timer)
}

function wordsOf(answer: CommandAnswer): string {
  if (answer.kind === 'words') return answer.text
  throw new TranscriptionError(answer.reason, { detail: answer.detail })
}
