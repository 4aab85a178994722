import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { GroupName } from '../../../domain/ids.ts'
import { isPublicAddress } from '../../../domain/ip-address.ts'
import { Stop } from './stop.ts'

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** Asks the system; a name may have several addresses. */
export type AskSystem = (host: string) => Promise<readonly Address[]>

/** The system's resolver takes a thread of a small pool for as long as it waits; files and signatures need some, too. */
const MAX_AT_ONCE = 2
/** More names than this do not wait for one group. */
const MAX_WAITING = 64
const MAX_ADDRESSES = 16

interface Question {
  readonly group: GroupName
  readonly host: string
  readonly answer: Promise<readonly Address[]>
  readonly ask: () => void
}

/**
 * Names become addresses here and nowhere else, and every address is checked: what is dialled is what was checked.
 * Groups take turns, one name at a time each, so that one with slow name servers keeps no other waiting for long.
 */
export class HostLookup {
  readonly #ask: AskSystem
  #waiting: Question[] = []
  readonly #running = new Set<Question>()

  constructor(ask: AskSystem = askSystem) {
    this.#ask = ask
  }

  /** The addresses to dial, none of which is private unless that may be. Throws Stop. */
  async addresses(
    group: GroupName,
    host: string,
    options: { mayBePrivate: boolean; ms: number },
  ): Promise<readonly Address[]> {
    const found = isIP(host) ? [literal(host)] : await this.#resolve(group, host, options.ms)
    if (found.length === 0) throw new Stop('failed', 502, 'the name has no address')
    const wrong = found.find(({ address }) => !(options.mayBePrivate ? isDialable : isPublicAddress)(address))
    if (wrong !== undefined)
      throw new Stop('denied', 403, `it is at ${wrong.address}, which is not a public address`)
    return found
  }

  async #resolve(group: GroupName, host: string, ms: number): Promise<readonly Address[]> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Stop('failed', 504, 'the name was not resolved in time')), ms)
    })
    try {
      const found = await Promise.race([this.#question(group, host), late])
      return found.slice(0, MAX_ADDRESSES)
    } catch (error) {
      if (error instanceof Stop) throw error
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
      throw new Stop('failed', 502, `the name cannot be resolved (${code})`)
    } finally {
      clearTimeout(timer)
    }
  }

  /** One question at the system for all of a group that ask for the same name at once. */
  #question(group: GroupName, host: string): Promise<readonly Address[]> {
    const own = [...this.#running, ...this.#waiting].filter((question) => question.group === group)
    const same = own.find((question) => question.host === host)
    if (same) return same.answer
    if (own.length >= MAX_WAITING) throw new Stop('denied', 429, 'too many names are being resolved')
    const { promise, resolve } = Promise.withResolvers<readonly Address[]>()
    const question: Question = { group, host, answer: promise, ask: () => resolve(this.#ask(host)) }
    this.#waiting.push(question)
    this.#next()
    return promise
  }

  #next(): void {
    if (this.#running.size >= MAX_AT_ONCE) return
    const busy = new Set([...this.#running].map(({ group }) => group))
    const question = this.#waiting.find(({ group }) => !busy.has(group))
    if (!question) return
    this.#waiting = this.#waiting.filter((other) => other !== question)
    this.#running.add(question)
    const done = () => {
      this.#running.delete(question)
      this.#next()
    }
    question.ask()
    question.answer.then(done, done)
    this.#next()
  }
}

async function askSystem(host: string): Promise<readonly Address[]> {
  const found = await lookup(host, { all: true, order: 'verbatim' })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

function literal(address: string): Address {
  return { address, family: isIP(address) === 6 ? 6 : 4 }
}

/** What no rule can mean: many machines, none, or this one under another name. */
function isDialable(address: string): boolean {
  const first = Number(/^(?:::ffff:)?(\d+)\./.exec(address)?.[1] ?? '1')
  return first !== 0 && first < 224 && address !== '::' && !/^ff/i.test(address)
}
