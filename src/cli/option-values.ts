import { CreelError } from '../domain/errors.ts'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A span such as 90s, 15m, 2h or 3d in milliseconds. Throws `invalid` that names the option. */
export function toMs(what: string, text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count === undefined || unit === undefined)
    throw new CreelError('invalid', `${what}: expected a time such as 15m, 2h or 3d, got ${text}`)
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
}

/** A whole number from 1 on. Throws `invalid` that names the option. */
export function toNumber(what: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new CreelError('invalid', `${what}: expected a number, got ${text}`)
  return value
}

/** A time (UTC) to the second. */
export function when(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
