import { z } from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { UnixMs } from '../domain/ids.ts'
import { existingGroup } from './group-commands.ts'
import type { OperatorCommand } from './ports.ts'

const UsageArgs = z.object({ group: z.string().optional(), since: z.string().default('7d') })

const UNIT_MS = { h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** What turns used, by group, provider and model. */
export const usage: OperatorCommand = {
  run(ports, args) {
    const { group, since } = UsageArgs.parse(args)
    const from = sinceOf(since, ports.clock.now())
    const name = group === undefined ? null : existingGroup(ports, group)
    return { since: from, lines: ports.usage.lines(from, name) }
  },
}

/** `36h`, `7d`, `4w`, or a date in UTC, `2026-11-20`. */
function sinceOf(text: string, now: UnixMs): UnixMs {
  const span = /^(\d{1,5})([hdw])$/.exec(text)
  if (span) return (now - Number(span[1]) * UNIT_MS[span[2] as keyof typeof UNIT_MS]) as UnixMs
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (!Number.isNaN(date)) return date as UnixMs
  throw new CreelError('invalid', `since: expected 36h, 7d, 4w or a date such as 2026-11-20, got “${text}”`)
}
