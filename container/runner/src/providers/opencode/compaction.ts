import type { TurnEvent } from '@creel/protocol'
import { failureOf } from './failure.ts'
import type { ModelName } from './model-name.ts'
import type { ServerApi } from './server-api.ts'
import { usageOf } from './turn-mapper.ts'

/**
 * Has a session shortened, and returns what came of it, with the last event of a turn. The server writes its summary as
 * a message of the session; how that ended is how this ended. Rejects as ServerApi does.
 */
export async function compactSession(
  api: Pick<ServerApi, 'summarize' | 'history'>,
  session: string,
  model: ModelName,
  now: () => number,
): Promise<TurnEvent[]> {
  await api.summarize(session, model)
  const last = (await api.history(session)).findLast((event) => event.type === 'assistant-message')
  if (last?.type !== 'assistant-message' || !last.message.internal) return [{ type: 'completed' }]
  if (last.message.error) return [failureOf(last.message.error, now())]
  return [...usageOf(last.message), { type: 'compacted' }, { type: 'completed' }]
}
