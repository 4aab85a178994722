import { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { z } from 'zod'
import { EngineUnavailableError } from '../../domain/errors.ts'

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
