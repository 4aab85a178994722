import { appendFileSync } from 'node:fs'

/** Where the host can be made to die: before or after each step that leaves something behind. */
export const HOST_STEPS = [
  'inbound.record',
  // What came in one answer of a platform, as one commit.
  'inbound.together',
  'inbound.routed',
  // What was routed, or noted as placed, in one turn.
  'commits.run',
  'files.add',
  'attachments.ready',
  'groupFiles.give',
  'mailbox.put',
  'mailbox.prune',
  'dispatches.placed',
  'files.collect',
  'outboxes.record',
  'deliveries.sending',
  'deliveries.sent',
  'deliveries.retry',
  'telegram.send',
  'sure.send',
  'engine.start',
  // Each thing that is written down of an ask once a person has decided.
  'approvals.commit',
  // The answer to a tool, and that it stands in the inbox.
  'calls.commit',
  'tasks.claim',
  // What one agent asks another one, and that it was told the answer.
  'agents.asked',
  'agents.told',
  // Only where queues are bounded.
  'waiting.summarised',
] as const

/** Where the host dies because of what its platform sees: it said that it has the messages up to here. */
export const PLATFORM_STEPS = ['telegram.ack', 'sure.ack'] as const

/** Where a runner can be made to die: at what it commits to its outbox. */
export const RUNNER_STEPS = ['outbox.accepted', 'outbox.settled', 'outbox.prune', 'outbox.call'] as const

export type HostStep = (typeof HOST_STEPS)[number] | (typeof PLATFORM_STEPS)[number]
export type RunnerStep = (typeof RUNNER_STEPS)[number]
export type CrashPoint<Step extends string = string> = `${'before' | 'after'} ${Step}`

function pointsOf<Step extends string>(steps: readonly Step[]): CrashPoint<Step>[] {
  return steps.flatMap((step) => [`before ${step}` as const, `after ${step}` as const])
}

export const HOST_POINTS: readonly CrashPoint<HostStep>[] = pointsOf([...HOST_STEPS, ...PLATFORM_STEPS])
export const RUNNER_POINTS: readonly CrashPoint<RunnerStep>[] = pointsOf(RUNNER_STEPS)

/** What makes a step happen that an ordinary message does not come by. */
export type Provocation =
  | 'file in'
  | 'file out'
  | 'failing send'
  | 'cold sandbox'
  | 'ask'
  | 'task'
  | 'agent'
  | 'flood'

const PROVOKED: Readonly<Partial<Record<string, Provocation>>> = {
  'files.add': 'file in',
  'attachments.ready': 'file in',
  'groupFiles.give': 'file in',
  'files.collect': 'file out',
  // Both logs are trimmed when a file was taken.
  'mailbox.prune': 'file out',
  'outbox.prune': 'file out',
  'deliveries.retry': 'failing send',
  'engine.start': 'cold sandbox',
  'approvals.commit': 'ask',
  'calls.commit': 'task',
  'tasks.claim': 'task',
  'agents.asked': 'agent',
  'agents.told': 'agent',
  'outbox.call': 'task',
  'waiting.summarised': 'flood',
}

/** What has to happen for a point to be reached soon; null when any message comes by. */
export function provocationOf(point: string): Provocation | null {
  return PROVOKED[point.slice(point.indexOf(' ') + 1)] ?? null
}

/** Die at this point when it is reached for the `hit`th time in this life. */
export interface Arm {
  readonly point: string
  readonly hit: number
}

/** Kills at one named point, and notes it in a file first. */
export class Tripwire {
  readonly #arm: Arm | null
  readonly #noteFile: string
  readonly #die: () => void
  #left: number

  /** `die`: for a wire of another process than its own. */
  constructor(arm: Arm | null, noteFile: string, die: () => void = killSelf) {
    this.#arm = arm
    this.#noteFile = noteFile
    this.#die = die
    this.#left = arm?.hit ?? 0
  }

  /** True when this was the point. */
  pass(point: string): boolean {
    if (point !== this.#arm?.point) return false
    this.#left -= 1
    if (this.#left !== 0) return false
    appendFileSync(this.#noteFile, `${point}\n`)
    this.#die()
    return true
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

function killSelf(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal is on its way; nothing more may happen.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  throw new Error('survived a SIGKILL')
}
