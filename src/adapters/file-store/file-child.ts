import { type ChildProcess, fork } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { childEnv, childFlags } from '../../child-flags.ts'
import { FileAnswer, type FileJob } from './wire.ts'

/** From fork to answer: a busy machine starts a process in seconds, and copies 50 MB in as many. */
const DEADLINE_MS = 60_000
/** Each costs a process; more wait. */
const MAX_CHILDREN = 4

/** Has files read in processes of their own, each of which is killed when it takes too long. */
export class FileChildren {
  readonly #deadlineMs: number
  readonly #running = new Set<ChildProcess>()
  readonly #waiting: (() => void)[] = []
  #taken = 0
  #closed = false

  constructor(options: { deadlineMs?: number } = {}) {
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS
  }

  /** Never rejects: a child that died, hung or talked nonsense is a refusal. */
  async read(job: FileJob): Promise<FileAnswer> {
    await this.#turn()
    try {
      if (this.#closed) return STOPPING
      const first = await this.#ask(job)
      if (first.kind !== 'lost') return first
      if (this.#closed) return STOPPING
      // Once more: on a machine that stalls, an innocent file must not be refused for good.
      if (job.to !== undefined) await rm(job.to, { force: true })
      return refusedIfLost(await this.#ask(job))
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#taken -= 1
    }
  }

  /** Ends what runs. Idempotent. */
  close(): void {
    this.#closed = true
    for (const child of this.#running) child.kill('SIGKILL')
  }

  /** Whoever ends hands its place on, so that nobody can push in. */
  #turn(): Promise<void> | undefined {
    if (this.#taken >= MAX_CHILDREN) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#taken += 1
    return undefined
  }

  #ask(job: FileJob): Promise<FileAnswer | Lost> {
    // No environment: whatever a hostile file may do to the child, there is no secret of ours to find there.
    const child = fork(fileURLToPath(new URL('./child-main.ts', import.meta.url)), [], {
      env: childEnv(),
      execArgv: childFlags(128),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.#running.add(child)
    return new Promise<FileAnswer | Lost>((resolve) => {
      const lost = (reason: string) => resolve({ kind: 'lost', reason })
      const timer = setTimeout(() => lost('it took too long to read'), this.#deadlineMs)
      child.once('message', (message) => {
        clearTimeout(timer)
        const answer = FileAnswer.safeParse(message)
        if (answer.success) resolve(answer.data)
        else lost('its reader answered nonsense')
      })
      child.once('error', () => lost('its reader could not be started'))
      child.once('exit', () => lost('its reader died'))
      child.send(job, (error) => {
        if (error) lost('its reader could not be asked')
      })
    }).finally(() => {
      this.#running.delete(child)
      child.kill('SIGKILL')
    })
  }
}

const STOPPING: FileAnswer = { kind: 'failed', reason: 'Creel is stopping' }

/** The child gave no answer. */
interface Lost {
  readonly kind: 'lost'
  readonly reason: string
}

function refusedIfLost(answer: FileAnswer | Lost): FileAnswer {
  return answer.kind === 'lost' ? { kind: 'refused', reason: answer.reason } : answer
}
