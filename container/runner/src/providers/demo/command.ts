/** `/demo <name> <rest>`, said to the demo provider. */
export interface DemoCommand {
  readonly name: string
  readonly rest: string
}

/** The command in a message, after an optional mention; null for a plain message. A bare `/demo` asks for help. */
export function demoCommand(text: string): DemoCommand | null {
  const match = /^\s*(?:@\S+\s+)?\/demo(?:\s+(\S+)(?:\s+([\s\S]*))?)?\s*$/.exec(text)
  return match ? { name: match[1] ?? 'help', rest: (match[2] ?? '').trim() } : null
}

/** A number argument, from 0 to `max`; `fallback` when it is none. */
export function countOf(rest: string, fallback: number, max: number): number {
  const value = Number.parseInt(rest, 10)
  return Number.isNaN(value) ? fallback : Math.min(Math.max(value, 0), max)
}
