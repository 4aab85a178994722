import { appendFileSync } from 'node:fs'

/** Where the host can be made to die: before or after each step that leaves something behind. */
export const HOST_STEPS = [
  'inbound.record',
  'inbound.routed',
  'mailbox.put',
  'mailbox.prune',
  'dispatches.placed',
  'outboxes.record',
  'deliveries.sending',
  'deliveries.sent',
  'deliveries.retry',
  'telegram.send',
  'sure.send',
  'engine.start',
] as const

/** Where a runner can be made to die: at what it commits to its outbox. */
export const RUNNER_STEPS = ['outbox.accepted', 'outbox.settled', 'outbox.prune'] as const

export type HostStep = (typeof HOST_STEPS)[number]
export type RunnerStep = (typeof RUNNER_STEPS)[number]
export type CrashPoint<Step extends string = string> = `${'before' | 'after'} ${Step}`

function pointsOf<Step extends string>(steps: readonly Step[]): CrashPoint<Step>[] {
  return steps.flatMap((step) => [`before ${step}` as const, `after ${step}` as const])
}

export const HOST_POINTS: readonly CrashPoint<HostStep>[] = pointsOf(HOST_STEPS)
export const RUNNER_POINTS: readonly CrashPoint<RunnerStep>[] = pointsOf(RUNNER_STEPS)

/** Die at this point when it is reached for the `hit`th time in this life. */
export interface Arm {
  readonly point: string
  readonly hit: number
}

/** Kills its own process at one named point, and notes it in a file first. */
export class Tripwire {
  readonly #arm: Arm | null
  readonly #noteFile: string
  #left: number

  constructor(arm: Arm | null, noteFile: string) {
    this.#arm = arm
    this.#noteFile = noteFile
    this.#left = arm?.hit ?? 0
  }

  pass(point: string): void {
    if (point !== this.#arm?.point) return
    this.#left -= 1
    if (this.#left > 0) return
    appendFileSync(this.#noteFile, `${point}\n`)
    process.kill(process.pid, 'SIGKILL')
    // The signal is on its way; nothing more may happen.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }

  /** Puts the wire before and after a method, synchronous or not. */
  guard(target: object, method: string, step: string): void {
    const methods = target as Record<string, (...args: unknown[]) => unknown>
    const original = methods[method]
    if (typeof original !== 'function') throw new Error(`there is no ${method} to guard for ${step}`)
    methods[method] = (...args) => {
      this.pass(`before ${step}`)
      const result = original.apply(target, args)
      if (!(result instanceof Promise)) {
        this.pass(`after ${step}`)
        return result
      }
      return result.then((value: unknown) => {
        this.pass(`after ${step}`)
        return value
      })
    }
  }
}
