import { get } from 'node:http'

/** Whether an engine answers behind a unix socket, and if not, why. */
export type PingAnswer =
  | { readonly state: 'answers'; readonly apiVersion: string }
  /** Nothing there, or a socket that nobody listens on. */
  | { readonly state: 'absent' }
  /** There, but this user may not connect. */
  | { readonly state: 'denied' }
  | { readonly state: 'broken'; readonly why: string }

const ANSWER_MS = 5000

/** Asks `GET /_ping` of the Docker Engine API. Never rejects. */
export function pingEngine(socketPath: string): Promise<PingAnswer> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/_ping', timeout: ANSWER_MS, agent: false }, (response) => {
      response.resume()
      const apiVersion = response.headers['api-version']
      const answers = response.statusCode === 200 && typeof apiVersion === 'string'
      const why = `it answers ${response.statusCode} to a ping`
      resolve(answers ? { state: 'answers', apiVersion } : { state: 'broken', why })
    })
    request.once('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)))
    request.once('error', (error) => resolve(failed(error)))
  })
}

function failed(error: Error): PingAnswer {
  const code = 'code' in error ? error.code : ''
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return { state: 'absent' }
  if (code === 'EACCES' || code === 'EPERM') return { state: 'denied' }
  return { state: 'broken', why: error.message }
}
