import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { CreelError } from '../../domain/errors.ts'
import { CommandAnswer, TerminalEvent } from './wire.ts'

/** No host listens on the control socket. */
export class NoHostError extends Error {
  override name = 'NoHostError'
}

/** Asks a running host to carry out a command. Throws NoHostError when none runs, else what the host threw. */
export async function callHost(socketPath: string, command: string, args: unknown): Promise<unknown> {
  const body = await exchange(socketPath, `/commands/${encodeURIComponent(command)}`, args)
  const answer = CommandAnswer.parse(JSON.parse(body))
  if (answer.ok) return answer.result
  throw refusal(body)
}

/** What the host refused with, as the error it was there. */
function refusal(body: string): Error {
  const answer = CommandAnswer.parse(JSON.parse(body))
  if (answer.ok) return new Error('the host refused without a reason')
  return new CreelError(answer.code, answer.message, answer.hint === undefined ? {} : { hint: answer.hint })
}

async function readAll(res: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of res) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Says something in the terminal chat of a group; durable when it returns. */
export async function postLine(
  socketPath: string,
  group: string,
  post: { text: string; id: string; user: string; files?: readonly string[] },
): Promise<void> {
  const body = await exchange(socketPath, `/terminal/${encodeURIComponent(group)}`, post)
  const failed = CommandAnswer.safeParse(JSON.parse(body))
  if (failed.success && !failed.data.ok) throw refusal(body)
}

/** Follows the terminal chat of a group until `signal` aborts or the host ends. Throws what the host refused. */
export async function followLines(
  socketPath: string,
  group: string,
  after: number,
  onEvent: (event: TerminalEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const path = `/terminal/${encodeURIComponent(group)}?after=${after}`
  await new Promise<void>((resolve, reject) => {
    const req = request({ socketPath, path, method: 'GET', signal }, (res) => {
      if (res.statusCode !== 200) {
        readAll(res).then((body) => reject(refusal(body)), reject)
        return
      }
      const lines = createInterface({ input: res })
      lines.on('line', (line) => onEvent(TerminalEvent.parse(JSON.parse(line))))
      lines.on('close', resolve)
      // Reported by both when the host ends or the signal aborts: the end of the stream, not a fault.
      lines.on('error', () => resolve())
      res.on('error', () => resolve())
    })
    req.on('error', (error) => (signal.aborted ? resolve() : reject(noHost(error))))
    req.end()
  })
}

function exchange(socketPath: string, path: string, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    // A connection of its own: a kept one may be the one that an ending host cuts, which reads like a fault.
    const options = { socketPath, path, method: 'POST', headers, timeout: 60_000, agent: false }
    const req = request(options, (res) => {
      readAll(res).then(resolve, reject)
    })
    req.on('timeout', () => req.destroy(new CreelError('timeout', 'the host did not answer in a minute')))
    req.on('error', (error) => reject(noHost(error)))
    req.end(JSON.stringify(body ?? {}))
  })
}

function noHost(error: Error & { code?: string }): Error {
  const absent = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes(error.code ?? '')
  return absent ? new NoHostError('no host runs on this data directory', { cause: error }) : error
}
