import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ZodType } from 'zod'
import { childEnv, childFlags } from './child-flags.ts'

export interface ChildQuestion<Answer> {
  /** The module that the child runs: it answers the first message with one of its own. */
  readonly program: URL
  readonly maxHeapMb: number
  /** From fork to answer, in milliseconds; a busy machine starts a process in seconds. */
  readonly deadlineMs: number
  readonly answer: ZodType<Answer>
  /** The error to throw when no answer came, with the reason as a few words. */
  lost(reason: string): Error
}

/**
 * Has one question answered by a process of its own, for input that may kill or hang who reads it. The child is
 * gone when the promise settles. Any number may run at once.
 */
export function askChild<Answer>(job: object, question: ChildQuestion<Answer>): Promise<Answer> {
  const { program, maxHeapMb, deadlineMs, answer: form, lost } = question
  // No environment: whatever a hostile file may do to the child, there is no secret of ours to find there.
  const child = fork(fileURLToPath(program), [], {
    env: childEnv(),
    execArgv: childFlags(maxHeapMb),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  let timer: NodeJS.Timeout | undefined
  return new Promise<Answer>((resolve, reject) => {
    timer = setTimeout(() => reject(lost('it took too long')), deadlineMs)
    child.once('message', (message) => {
      const answer = form.safeParse(message)
      if (answer.success) resolve(answer.data)
      else reject(lost('its reader answered nonsense'))
    })
    child.once('error', () => reject(lost('its reader could not be started')))
    child.once('exit', () => reject(lost('its reader died')))
    child.send(job, (error) => {
      if (error) reject(lost('its reader could not be asked'))
    })
  }).finally(() => {
    clearTimeout(timer)
    child.kill('SIGKILL')
  })
}
