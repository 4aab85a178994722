import { TurnEvent } from '@creel/protocol'
import type { Clock } from './clock.ts'
import { errorText } from './log.ts'
import { FileNotSent, type OutgoingFiles } from './outgoing-files.ts'
import type { Turn } from './provider.ts'
import type { StopReason } from './session-lanes.ts'
import type { TurnEnd, TurnRecord } from './turn-record.ts'

/** How long a provider may take to clean up after its last event or an abort; then it is left behind. */
const LET_GO_MS = 1_000

const STOPPED = Symbol('stopped')

/**
 * Reads a turn to its end into `record`. Never rejects and never waits for a provider that ignores an abort: whatever
 * it does wrong (throws, ends too early, yields things that are not events) is a `failed` end.
 */
export async function followTurn(
  turn: Turn,
  record: TurnRecord,
  options: {
    clock: Clock
    signal: AbortSignal
    files: Pick<OutgoingFiles, 'keep'>
    onChange: () => void
  },
): Promise<TurnEnd> {
  const { signal } = options
  const stopped = new Promise<typeof STOPPED>((resolve) => {
    if (signal.aborted) resolve(STOPPED)
    else signal.addEventListener('abort', () => resolve(STOPPED), { once: true })
  })
  let iterator: AsyncIterator<unknown> | undefined
  try {
    iterator = turn[Symbol.asyncIterator]()
    for (;;) {
      const step = await Promise.race([iterator.next(), stopped])
      if (step === STOPPED) return stoppedBy(signal)
      const event = eventOf(step)
      if (event.type === 'file') await Promise.race([keepFile(event, record, options.files), stopped])
      const end = record.take(event)
      if (end?.kind === 'failed' && signal.aborted) return stoppedBy(signal)
      if (end) return end
      options.onChange()
    }
  } catch (error) {
    if (signal.aborted) return stoppedBy(signal)
    return crashed(errorText(error))
  } finally {
    await letGo(iterator, options.clock)
  }
}

function eventOf(step: IteratorResult<unknown>): TurnEvent {
  if (step.done) return failed('the provider ended the turn without saying how')
  const event = TurnEvent.safeParse(step.value)
  return event.success ? event.data : failed('the provider sent something that is not an event')
}

function failed(message: string): TurnEvent {
  return { type: 'failed', reason: 'crashed', message }
}

/** A file that cannot be sent is told of in its place: a turn must not fail for it. */
async function keepFile(
  event: Extract<TurnEvent, { type: 'file' }>,
  record: TurnRecord,
  files: Pick<OutgoingFiles, 'keep'>,
): Promise<void> {
  if (!record.hasRoomForFile) {
    record.take({ type: 'message', text: '(A file was left out: the answer has too many.)' })
    return
  }
  try {
    record.addFile(await files.keep(event))
  } catch (error) {
    if (!(error instanceof FileNotSent)) throw error
    record.take({ type: 'message', text: `(A file could not be sent: ${error.message}.)` })
  }
}

function crashed(message: string): TurnEnd {
  return { kind: 'failed', reason: 'crashed', message }
}

function stoppedBy(signal: AbortSignal): TurnEnd {
  const known: readonly StopReason[] = ['cancelled', 'superseded', 'timeout']
  return { kind: 'stopped', by: known.find((reason) => reason === signal.reason) ?? 'shutdown' }
}

async function letGo(iterator: AsyncIterator<unknown> | undefined, clock: Clock): Promise<void> {
  const timer = new AbortController()
  const patience = clock.sleep(LET_GO_MS, timer.signal)
  // Its outcome is known already; what it throws while cleaning up changes nothing.
  await Promise.race([iterator?.return?.(), patience]).catch(() => undefined)
  timer.abort()
  await patience.catch(() => undefined)
}
