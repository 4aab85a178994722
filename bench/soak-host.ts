import { type ChildProcess, fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HostLook, SoakNews, SoakOrder } from './soak-host-main.ts'

/** As a real host is started; see `detached-host.ts`. */
const HOST_FLAGS = ['--disable-warning=ExperimentalWarning', '--expose-gc'] as const

const STOP_MS = 120_000
const HURRIED_MS = 2_000

/** The host of a soak in a process of its own, with a crowd of runners beside it. */
export class SoakHost implements AsyncDisposable {
  readonly dataDir: string
  /** Called with the numbers of messages whose answers were sent. */
  onAnswers: (numbers: readonly number[]) => void = () => undefined
  /** Whoever waits has been told to end. */
  hurry = false
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #onLook: ((look: HostLook) => void) | null = null

  private constructor(child: ChildProcess, dataDir: string) {
    this.#child = child
    this.dataDir = dataDir
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()))
    child.on('message', (news: SoakNews) => {
      if (news.is === 'answers') this.onAnswers(news.numbers)
      if (news.is === 'look') this.#onLook?.(news.look)
    })
  }

  static async start(projectDir: string, groups: number): Promise<SoakHost> {
    const child = fork(join(import.meta.dirname, 'soak-host-main.ts'), [projectDir, String(groups)], {
      execArgv: [...HOST_FLAGS],
      // A Ctrl-C in the terminal is not for it: it ends when this process lets go of it.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const dataDir = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the host ended with ${code}`)))
      child.once('message', (news: SoakNews) => {
        if (news.is === 'ready') resolve(news.dataDir)
      })
    })
    return new SoakHost(child, dataDir)
  }

  /** Messages of these numbers come in, each to the chat of its number. */
  say(first: number, count: number): void {
    if (count > 0) this.#order({ do: 'say', first, count })
  }

  /** `exact`: after all garbage was collected. Rejects when the host is gone or does not answer for a minute. */
  async look(exact: boolean): Promise<HostLook> {
    const answer = Promise.withResolvers<HostLook>()
    this.#onLook = answer.resolve
    const timer = setTimeout(() => answer.reject(new Error('the host does not answer')), 60_000)
    this.#order({ do: 'look', exact })
    try {
      return await Promise.race([
        answer.promise,
        this.#ended.then(() => Promise.reject(new Error('the host is gone'))),
      ])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Writes all that is on its heap into a file. */
  snapshot(file: string): void {
    this.#order({ do: 'snapshot', file })
  }

  #order(order: SoakOrder): void {
    if (this.#child.connected) this.#child.send(order)
  }

  /** Ends host and crowd, in a few seconds if `hurry` was set. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await Promise.race([this.#ended, sleep(this.hurry ? HURRIED_MS : STOP_MS, undefined, { ref: false })])
    this.#child.kill('SIGKILL')
    await this.#ended
    rmSync(dirname(this.dataDir), { recursive: true, force: true })
  }
}
