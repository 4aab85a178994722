import { OutboxEntry } from '@creel/protocol'
import type { OutboxItem } from '../../domain/ports/mailbox.ts'

const MAX_DEPTH = 16

/** One stored body as an entry, or as an item that says why it is none. Never throws. */
export function parseBody(seq: number, body: string): OutboxItem {
  if (deeperThan(MAX_DEPTH, body)) return { seq, rejected: `nested deeper than ${MAX_DEPTH}` }
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { seq, rejected: 'not JSON' }
  }
  // The schemas copy only the fields they know, so a planted `__proto__` or extra member goes no further.
  const parsed = OutboxEntry.safeParse(value)
  if (parsed.success) return { seq, entry: parsed.data }
  const issue = parsed.error.issues[0]
  const where = issue?.path.length ? issue.path.join('.') : 'entry'
  return { seq, rejected: `bad ${where}: ${issue?.code ?? 'invalid'}`.slice(0, 200) }
}

/** Whether brackets outside strings nest deeper than `max`. A loop, because a regex could run out of stack here. */
function deeperThan(max: number, json: string): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < json.length && depth <= max; at++) {
    const mark = json[at]
    if (quoted && mark === '\\') at++
    else if (mark === '"') quoted = !quoted
    else if (!quoted && (mark === '[' || mark === '{')) depth++
    else if (!quoted && (mark === ']' || mark === '}')) depth--
  }
  return depth > max
}
