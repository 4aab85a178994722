import { request as httpRequest, type IncomingMessage } from 'node:http'
import { z } from 'zod'

const ANSWER_MAX_BYTES = 8 * 1024 * 1024
const ASK_TIMEOUT_MS = 30_000

const Inspected = z.object({
  Id: z.string().regex(/^[0-9a-f]{64}$/),
  Name: z.string(),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  HostConfig: z.object({ Mounts: z.array(z.object({ Source: z.string().default('') })).nullish() }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Source: z.string().default(''),
        Destination: z.string(),
        RW: z.boolean().default(false),
      }),
    )
    .nullish(),
})
export type Inspected = z.infer<typeof Inspected>

/**
 * What the engine says about a container by id, prefix or name; null when there is none. Throws when the engine
 * does not answer, or not in the form that is known.
 */
export async function inspect(socket: string, ref: string): Promise<Inspected | null> {
  const response = await open(socket, `/containers/${ref}/json`)
  const text = await readBounded(response, ANSWER_MAX_BYTES)
  if (response.statusCode === 404) return null
  if (response.statusCode !== 200) throw new Error(`the engine answered ${response.statusCode} to an inspect`)
  return Inspected.parse(JSON.parse(text))
}

function open(socket: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS)
    const call = httpRequest({ socketPath: socket, path, method: 'GET', agent: false, signal })
    call.on('error', reject)
    call.on('response', resolve)
    call.end()
  })
}

/** The whole body as text. Throws RangeError when it is larger than `maxBytes`. */
export async function readBounded(message: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // The connection stays open when the limit is passed, so that a server can still answer on it.
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new RangeError(`body larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
