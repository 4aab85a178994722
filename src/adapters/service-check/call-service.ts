const ANSWER_MS = 15_000
const MAX_READ = 65_536
const SHOWN = 200

export interface ServiceAnswer {
  readonly ok: boolean
  /** Status and the beginning of what was said, on one line, without any of `secrets`. */
  readonly what: string
  readonly ms: number
}

/** One GET without following redirects. Never throws: what went wrong is the answer. Holds neither URL nor secret. */
export async function callService(call: {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}): Promise<ServiceAnswer> {
  const from = performance.now()
  const took = () => Math.round(performance.now() - from)
  try {
    const response = await fetch(call.url, {
      headers: { accept: 'application/json', ...call.headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    const said = response.ok ? '' : oneLine(await beginningOf(response), call.secrets)
    await response.body?.cancel()
    const what = `status ${response.status}${said === '' ? '' : `: ${said}`}`
    return { ok: response.ok, what, ms: took() }
  } catch (error) {
    const { name, cause } = error as { name?: string; cause?: { code?: string } }
    const why = name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? 'the connection failed')
    return { ok: false, what: `the service could not be reached: ${why}`, ms: took() }
  }
}

async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  while (reader && size < MAX_READ) {
    const { value, done } = await reader.read()
    if (done) break
    chunks.push(value)
    size += value.byteLength
  }
  reader?.releaseLock()
  return Buffer.concat(chunks).toString('utf8')
}

function oneLine(text: string, secrets: readonly string[]): string {
  const hidden = secrets.reduce((all, secret) => all.replaceAll(secret, '***'), text)
  return hidden
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, SHOWN)
}
