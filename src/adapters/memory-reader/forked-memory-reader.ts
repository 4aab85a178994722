import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { childEnv, childFlags } from '../../child-flags.ts'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type {
  MemoryFound,
  MemoryLine,
  MemoryPage,
  MemoryReader,
  MemoryText,
} from '../../domain/ports/memory.ts'
import type { Paths } from '../../paths.ts'
import { fold } from './read-memory.ts'
import { MemoryAnswer, type MemoryJob } from './wire.ts'

/** From fork to answer; a busy machine starts a process in seconds. */
const DEADLINE_MS = 30_000

type Answered<K> = Extract<MemoryAnswer, { kind: K }>

/** Has each question answered by a process of its own, which is killed when it takes too long. */
export class ForkedMemoryReader implements MemoryReader {
  readonly #paths: Paths
  readonly #deadlineMs: number

  constructor(paths: Paths, options: { deadlineMs?: number } = {}) {
    this.#paths = paths
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS
  }

  list(group: GroupName): Promise<MemoryFound<MemoryPage>> {
    return this.#ask({ kind: 'list', folder: this.#paths.memory(group) })
  }

  read(group: GroupName, path: string): Promise<MemoryText> {
    return this.#ask({ kind: 'read', folder: this.#paths.memory(group), path })
  }

  search(group: GroupName, words: readonly string[], limit: number): Promise<MemoryFound<MemoryLine>> {
    const folded = words.map(fold)
    return this.#ask({ kind: 'search', folder: this.#paths.memory(group), words: folded, limit })
  }

  async #ask<K extends MemoryJob['kind']>(job: MemoryJob & { readonly kind: K }): Promise<Answered<K>> {
    const answer = await this.#answer(job)
    if (answer.kind === job.kind) return answer as Answered<K>
    if (answer.kind === 'refused') throw new CreelError(answer.code, `it cannot be read: ${answer.reason}`)
    throw lost('its reader answered nonsense')
  }

  #answer(job: MemoryJob): Promise<MemoryAnswer> {
    // No environment: whatever a hostile file may do to the child, there is no secret of ours to find there.
    const child = fork(fileURLToPath(new URL('./child-main.ts', import.meta.url)), [], {
      env: childEnv(),
      execArgv: childFlags(256),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    let timer: NodeJS.Timeout | undefined
    return new Promise<MemoryAnswer>((resolve, reject) => {
      timer = setTimeout(() => reject(lost('it took too long')), this.#deadlineMs)
      child.once('message', (message) => {
        const answer = MemoryAnswer.safeParse(message)
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
}

function lost(reason: string): CreelError {
  return new CreelError('unavailable', `the memory cannot be read: ${reason}`, {
    hint: 'look into groups/NAME/memory yourself',
  })
}
