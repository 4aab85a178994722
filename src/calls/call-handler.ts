import { MAX_CALL_RESULT } from '@creel/protocol'
import * as z from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { CallAnswer, CallOrigin } from '../domain/host-call.ts'

/**
 * One thing that the host does for a tool. Whether it may be done is decided here, from `origin` alone. It may run again
 * when the host was killed before the answer was written down: what it makes belongs under `origin.key`. Throws
 * CreelError for what cannot be done: message and hint go to the model.
 */
export type CallHandler = (args: unknown, origin: CallOrigin) => Promise<CallAnswer>

/** By the name of the tool. */
export type CallHandlers = ReadonlyMap<string, CallHandler>

/** A handler whose arguments are checked before it runs; wrong ones come back as what is wrong with them. */
export function callHandler<Args extends z.ZodType>(
  args: Args,
  run: (args: z.infer<Args>, origin: CallOrigin) => Promise<unknown> | unknown,
): CallHandler {
  return async (given, origin) => {
    const parsed = args.safeParse(given)
    if (!parsed.success) return refused(`Wrong arguments: ${z.prettifyError(parsed.error).slice(0, 1_000)}`)
    try {
      const value = await run(parsed.data, origin)
      const text = typeof value === 'string' ? value : JSON.stringify(value, null, 1)
      return text.length <= MAX_CALL_RESULT
        ? { ok: true, text }
        : refused('It was done, but the answer is too long to be given. Ask for less of it.')
    } catch (error) {
      if (!(error instanceof CreelError)) throw error
      return refused([error.message, error.hint].filter((part) => part !== undefined).join(' '))
    }
  }
}

/** An answer that says why not, and what to do about it. */
export function refused(text: string): CallAnswer {
  return { ok: false, text: text.slice(0, 4_000) }
}
