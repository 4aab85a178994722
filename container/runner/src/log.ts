import type { Clock } from './clock.ts'

type Field = string | number | boolean | undefined

/** Records one business event. Never message text: this goes to the container's log, which others read. */
export type EventLog = (event: string, fields?: Readonly<Record<string, Field>>) => void

/** Writes each event as one line of JSON. */
export function jsonLog(write: (line: string) => void, clock: Clock): EventLog {
  return (event, fields = {}) => write(`${JSON.stringify({ at: clock.now(), event, ...fields })}\n`)
}

/** Text of anything thrown, bounded, for a log field. */
export function errorText(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 500)
}
