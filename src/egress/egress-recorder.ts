import type { GroupName, UnixMs } from '../domain/ids.ts'
import type {
  EgressAudit,
  EgressEntry,
  EgressOutcome,
  EgressPart,
  PassedBytes,
} from '../domain/ports/egress.ts'
import type { EgressLine, EgressLogStore, EgressTotal } from '../domain/ports/egress-log.ts'
import type { Log } from '../log.ts'
import type { EgressBudget } from './egress-budget.ts'

/** What is kept of one group between two writes: lines that differ, and hosts that are summed apart. */
const MAX_LINES = 60
const MAX_HOSTS = 60
/** Lines about one group in the host's own log between two writes. */
const MAX_LOGGED = 3
const HOUR_MS = 3_600_000
const NOTHING: PassedBytes = { bytesOut: 0, bytesIn: 0 }
/** Why a line of what has not ended is there. */
const STILL_OPEN = 'still open'
/** Stands for what there was no room for. */
export const OTHERS = '…'
const MAX = { host: 255, method: 20, path: 300, reason: 300 } as const

export interface EgressRecorderPorts {
  readonly store: Pick<EgressLogStore, 'write'>
  readonly budget: Pick<EgressBudget, 'count'>
  readonly log: Pick<Log, 'warn'>
  /** Takes secrets out of a text: an agent may have put into a path what it was told. */
  readonly clean: (text: string) => string
}

interface Kept {
  readonly lines: Map<string, EgressLine>
  readonly totals: Map<string, EgressTotal>
}

/**
 * Collects what left and what was turned away, and writes it when it is told to: like entries become one line, and in a
 * flood all that is over the bound becomes one line per outcome. Sums count everything.
 */
export class EgressRecorder implements EgressAudit {
  readonly #ports: EgressRecorderPorts
  readonly #kept = new Map<GroupName, Kept>()

  constructor(ports: EgressRecorderPorts) {
    this.#ports = ports
  }

  note({ told = NOTHING, ...entry }: EgressEntry): void {
    const line = this.#line(entry)
    const left = { bytesOut: line.bytesOut - told.bytesOut, bytesIn: line.bytesIn - told.bytesIn }
    this.#count(line, left)
    const kept = this.#of(entry.group)
    keepLine(kept.lines, line)
    keepTotal(kept.totals, { ...line, ...left })
  }

  passed({ isFirst, ...part }: EgressPart): void {
    const line = this.#line({ ...part, outcome: 'allowed', status: null, reason: STILL_OPEN })
    this.#count(line, line)
    const kept = this.#of(part.group)
    if (isFirst) keepLine(kept.lines, line)
    // It counts as one when it ends.
    keepTotal(kept.totals, { ...line, count: 0 })
  }

  #line(entry: Omit<EgressEntry, 'told'>): EgressLine {
    const { clean } = this.#ports
    const text = (part: string, max: number) =>
      clean(part.slice(0, max * 2))
        .replace(UNSEEN, '?')
        .slice(0, max)
    return {
      ...entry,
      host: text(entry.host, MAX.host),
      method: text(entry.method, MAX.method),
      path: text(entry.path, MAX.path),
      reason: entry.reason === null ? null : text(entry.reason, MAX.reason),
      count: 1,
    }
  }

  /** Throws when the store cannot be written; nothing is lost then, and the bounds hold on. */
  write(): void {
    if (this.#kept.size === 0) return
    const all = [...this.#kept.values()]
    this.#ports.store.write(
      all.flatMap(({ lines }) => [...lines.values()]),
      all.flatMap(({ totals }) => [...totals.values()]),
    )
    this.#kept.clear()
    for (const { lines } of all) this.#report([...lines.values()])
  }

  #count({ group, at }: EgressLine, { bytesOut, bytesIn }: PassedBytes): void {
    try {
      this.#ports.budget.count(group, bytesOut + bytesIn, at)
    } catch (error) {
      this.#ports.log.warn({ event: 'egress.not_counted', group, err: error }, 'bytes not counted')
    }
  }

  #report(lines: readonly EgressLine[]): void {
    for (const { group, host, port, method, outcome, reason, count } of lines
      .filter((line) => line.outcome !== 'allowed')
      .slice(0, MAX_LOGGED))
      this.#ports.log.warn(
        { event: `egress.${outcome}`, group, host, port, method, reason, count },
        'not let out',
      )
  }

  #of(group: GroupName): Kept {
    const known = this.#kept.get(group)
    if (known !== undefined) return known
    const kept: Kept = { lines: new Map(), totals: new Map() }
    this.#kept.set(group, kept)
    return kept
  }
}

/** Characters that a terminal obeys or that hide others. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

function keepLine(lines: Map<string, EgressLine>, line: EgressLine): void {
  const { host, port, method, path, outcome, status, reason } = line
  const key = JSON.stringify([host, port, method, path, outcome, status, reason])
  if (lines.has(key) || lines.size < MAX_LINES) return void lines.set(key, together(lines.get(key), line))
  const rest = `rest ${outcome}`
  const other = { ...line, host: OTHERS, port: 0, method: OTHERS, path: '', status: null, reason: null }
  lines.set(rest, together(lines.get(rest), other))
}

function together(sum: EgressLine | undefined, line: EgressLine): EgressLine {
  if (sum === undefined) return line
  return {
    ...line,
    count: sum.count + line.count,
    bytesOut: sum.bytesOut + line.bytesOut,
    bytesIn: sum.bytesIn + line.bytesIn,
  }
}

function keepTotal(totals: Map<string, EgressTotal>, line: EgressLine): void {
  const { group, outcome, count, bytesOut, bytesIn } = line
  const hour = (line.at - (line.at % HOUR_MS)) as UnixMs
  const keyOf = (host: string, what: EgressOutcome) => `${hour} ${what} ${host}`
  const own = keyOf(line.host, outcome)
  const host = totals.has(own) || totals.size < MAX_HOSTS ? line.host : OTHERS
  const key = keyOf(host, outcome)
  const sum = totals.get(key)
  totals.set(key, {
    ...{ group, hour, host, outcome },
    count: count + (sum?.count ?? 0),
    bytesOut: bytesOut + (sum?.bytesOut ?? 0),
    bytesIn: bytesIn + (sum?.bytesIn ?? 0),
  })
}
