import { TurnEvent } from '@creel/protocol'
import type { Clock } from './clock.ts'
import { errorText } from './log.ts'
import { FileNotSent, type OutgoingFiles } from './outgoing-files.ts'
import type { Hung, PhaseWatch } from './phase-watch.ts'
import type { Turn } from './provider.ts'
import type { StopReason } from './session-lanes.ts'
import type { FailedTurn, TurnEnd, TurnRecord } from './turn-record.ts'

/** How long a provider may take to clean up after its last event or an abort; then it is left behind. */
const LET_GO_MS = 1_000

export interface FollowOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly files: Pick<OutgoingFiles, 'keep'>
  readonly watch: PhaseWatch
  /** A phase has gone on for too long: the turn is left, and to be stopped. */
  readonly onHung: () => void
  readonly onChange: () => void
}

/**
 * Reads a turn to its end into `record`. Never rejects and never waits for a provider that ignores an abort: whatever
 * it does wrong (throws, ends too early, yields things that are not events) is a `failed` end.
 */
export async function followTurn(turn: Turn, record: TurnRecord, options: FollowOptions): Promise<TurnEnd> {
  const { signal, watch, clock } = options
  const over = new AbortController()
  const left = Promise.race([aborted(signal), watch.hung(clock, over.signal)])
  let iterator: AsyncIterator<unknown> | undefined
  try {
    iterator = turn[Symbol.asyncIterator]()
    for (;;) {
      const step = await Promise.race([iterator.next(), left])
      if (step === 'aborted') return stoppedBy(signal)
      if ('limitMs' in step) {
        options.onHung()
        return hungIn(step)
      }
      if (step.done) return bug('the provider ended the turn without saying how')
      const event = TurnEvent.safeParse(step.value)
      if (!event.success) return bug('the provider sent something that is not an event')
      watch.take(event.data, clock.now())
      if (event.data.type === 'file') await Promise.race([keepFile(event.data, record, options.files), left])
      const end = record.take(event.data)
      if (end?.kind === 'failed' && signal.aborted) return stoppedBy(signal)
      if (end) return end
      options.onChange()
    }
  } catch (error) {
    return signal.aborted ? stoppedBy(signal) : bug(errorText(error))
  } finally {
    over.abort()
    await letGo(iterator, clock)
  }
}

/** The end of a turn that was stopped, by whom its signal says. */
export function stoppedBy(signal: AbortSignal): TurnEnd {
  const known: readonly StopReason[] = ['cancelled', 'superseded', 'timeout']
  return { kind: 'stopped', by: known.find((reason) => reason === signal.reason) ?? 'shutdown' }
}

/** The end of a turn whose provider broke the rules of its port. */
export function bug(message: string): FailedTurn {
  return { kind: 'failed', reason: 'crashed', message, bug: true }
}

function hungIn(hung: Hung): FailedTurn {
  const message = `no progress for ${hung.limitMs} ms in the phase ${hung.phase}`
  return { kind: 'failed', reason: 'timeout', message, hung }
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted')
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })
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

async function letGo(iterator: AsyncIterator<unknown> | undefined, clock: Clock): Promise<void> {
  const timer = new AbortController()
  const patience = clock.sleep(LET_GO_MS, timer.signal)
  // Its outcome is known already; what it throws while cleaning up changes nothing.
  await Promise.race([iterator?.return?.(), patience]).catch(() => undefined)
  timer.abort()
  await patience.catch(() => undefined)
}
