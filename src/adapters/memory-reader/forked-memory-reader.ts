import { askChild } from '../../ask-child.ts'
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
    const answer = await askChild(job, {
      program: new URL('./child-main.ts', import.meta.url),
      maxHeapMb: 256,
      deadlineMs: this.#deadlineMs,
      answer: MemoryAnswer,
      lost,
    })
    if (answer.kind === job.kind) return answer as Answered<K>
    if (answer.kind === 'refused') throw new CreelError(answer.code, `it cannot be read: ${answer.reason}`)
    throw lost('its reader answered nonsense')
  }
}

function lost(reason: string): CreelError {
  return new CreelError('unavailable', `the memory cannot be read: ${reason}`, {
    hint: 'look into groups/NAME/memory yourself',
  })
}
