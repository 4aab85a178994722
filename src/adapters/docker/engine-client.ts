import { Agent } from 'node:http'
import { inspect } from 'node:util'
import type Docker from 'dockerode'
import { EngineUnavailableError } from '../../domain/errors.ts'
import { engineError } from './engine-errors.ts'
import { loadDockerode } from './load-dockerode.ts'

/** An engine that has not answered by then does not answer; a start on a loaded machine takes seconds. */
const ANSWER_MS = 60_000

/** A client of the engine behind this socket, whatever DOCKER_HOST says. */
export function engineClient(socketPath: string): Docker {
  const options = {
    socketPath,
    // docker-modem lets a host from DOCKER_HOST win over a socket path unless it is overridden by name.
    host: undefined,
    protocol: 'http' as const,
    // One connection per call: a kept one is dead after the engine restarts and would fail the next call.
    agent: new Agent({ keepAlive: false }),
  }
  const Client = loadDockerode()
  const client = new Client(options)
  cheaplyNamed(client.modem as unknown as Modem)
  return client
}

interface Modem {
  buildRequest(options: object, ...rest: unknown[]): void
}

/**
 * docker-modem describes each request for its debug log whether that is on or not, with all that its agent and signal
 * hold: 5 to 50 ms of the event loop each time (docker-modem 5, `buildRequest`).
 */
function cheaplyNamed(modem: Modem): void {
  const build = modem.buildRequest.bind(modem)
  modem.buildRequest = (options, ...rest) =>
    build(Object.defineProperty(options, inspect.custom, { value: () => 'a request' }), ...rest)
}

/**
 * Runs one call with a deadline and translates what it throws: EngineUnavailableError when the engine does not
 * answer, `signal.reason` when the caller gave up, else a CreelError with the engine's words. `doing` completes
 * "could not …". Pass the signal on to the call; should the call ignore it, this returns all the same.
 */
export async function engineCall<T>(
  doing: string,
  options: { signal?: AbortSignal; answerMs?: number },
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted()
  const answerMs = options.answerMs ?? ANSWER_MS
  const deadline = AbortSignal.timeout(answerMs)
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
  try {
    return await untilAborted(call(signal), signal)
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason
    if (deadline.aborted) {
      throw new EngineUnavailableError(
        `the container engine does not answer: could not ${doing} within ${answerMs / 1000} s`,
        { hint: 'see the log of the engine (journalctl -u docker)', cause: error },
      )
    }
    throw engineError(doing, error)
  }
}

/** The same for a call that may rightly take for ever. */
export async function endlessEngineCall<T>(
  doing: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  try {
    return await untilAborted(call(signal), signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw engineError(doing, error)
  }
}

/** For a call that is better awaited than left half done: its signal aborts as `signal` does, `ms` later. */
export async function withPatience<T>(
  signal: AbortSignal,
  ms: number,
  call: (patient: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const patient = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const lose = () => {
    timer = setTimeout(() => patient.abort(signal.reason), ms)
  }
  signal.addEventListener('abort', lose, { once: true })
  try {
    return await call(patient.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', lose)
  }
}

/** Settles as `work` does, or rejects when `signal` aborts, whichever is first. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: () => void = () => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
