import { type ApiFailure, apiFailure } from './api-failure.ts'
import { sendError } from './send-part.ts'

/**
 * What a call gives; a refusal that matches `fine` means that it is as it should be already. Throws what `Channel.send`
 * throws.
 */
export async function called<T>(call: () => Promise<T>, fine?: RegExp): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    const failure: ApiFailure = apiFailure(error)
    if (failure.kind === 'answered' && failure.status === 400 && fine?.test(failure.text)) return undefined
    throw sendError(failure)
  }
}
