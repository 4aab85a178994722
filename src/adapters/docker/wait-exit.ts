import { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { z } from 'zod'
import { EngineUnavailableError } from '../../domain/errors.ts'
import { ignoreStatus } from './engine-errors.ts'

const WaitAnswer = z.object({ StatusCode: z.number().int() })

/**
 * Exit code of a container once it is not running, or removed. Rejects with the engine's 404 when there is none, and when the
 * engine goes away meanwhile. dockerode's own `wait` never settles in that case: the engine sends the head of the
 * answer at once, and docker-modem does not listen to what breaks after it.
 */
export async function waitForExit(
  docker: Docker,
  id: string,
  until: 'not-running' | 'removed',
  signal: AbortSignal,
): Promise<number> {
  const response = await openWait(docker, id, until, signal)
  const body = WaitAnswer.safeParse(parseJson(await text(response)))
  if (!body.success)
    throw new EngineUnavailableError('the container engine stopped while a sandbox was awaited')
  return body.data.StatusCode
}

/** The part of an inspected container's state that is read. */
export interface EndState {
  readonly OOMKilled: boolean
  readonly StartedAt: string
  readonly FinishedAt: string
}

const KILLED = 137
/** How long after an exit its reason may come in. */
const OOM_NEWS_MS = 500

/**
 * Whether a container ended for want of memory. The engine's flag stands for any process in it, so only an exit by
 * SIGKILL counts. The flag stays false when the engine heard of the exit before it heard of the kill, which happens
 * on a loaded machine (Docker 20.10); then its events tell, a moment later.
 */
export async function diedOfMemory(
  docker: Docker,
  container: { id: string; code: number; state: EndState },
  abortSignal: AbortSignal,
): Promise<boolean> {
  const { id, code, state } = container
  if (code !== KILLED || state.OOMKilled) return code === KILLED
  const asked = docker.getEvents({
    since: Date.parse(state.StartedAt) / 1000,
    until: (Date.parse(state.FinishedAt) + OOM_NEWS_MS) / 1000,
    filters: { container: [id], event: ['oom'] },
    abortSignal,
  })
  // Forbidden: a filter before the engine does not let events through; the flag is all there is then.
  const events = await ignoreStatus([403], asked)
  return events !== undefined && (await text(events)).trim() !== ''
}

function openWait(
  docker: Docker,
  id: string,
  condition: string,
  abortSignal: AbortSignal,
): Promise<IncomingMessage> {
  const request = {
    path: `/containers/${id}/wait?`,
    method: 'POST',
    options: { _query: { condition }, _body: {} },
    isStream: true,
    abortSignal,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
  }
  return new Promise((resolve, reject) => {
    docker.modem.dial(request, (error: unknown, response: unknown) => {
      if (response instanceof IncomingMessage) resolve(response)
      else reject(error)
    })
  })
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    // An engine that shuts down in order ends the body early.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
