import { CreelError, EngineUnavailableError, errorText } from '../../domain/errors.ts'

const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOENT: 'install and start Docker or Podman, or set engine.socket in creel.toml',
  ECONNREFUSED: 'start the engine (systemctl start docker), or set engine.socket in creel.toml',
  EACCES: 'this user may not use the engine: add it to the group that owns the socket (docker)',
  ECONNRESET: 'the engine closed the connection: see its log (journalctl -u docker)',
  EPIPE: 'the engine closed the connection: see its log (journalctl -u docker)',
  ERR_STREAM_PREMATURE_CLOSE: 'the engine closed the connection: see its log (journalctl -u docker)',
}

/** HTTP status of the engine's answer, or undefined when there was none. */
export function engineStatus(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' ? status : undefined
}

/** What was thrown by dockerode, in our terms. `doing` completes "could not …". */
export function engineError(doing: string, error: unknown): CreelError {
  if (error instanceof CreelError) return error
  const status = engineStatus(error)
  if (status !== undefined) {
    const code =
      status === 404 ? 'not_found' : status === 409 ? 'conflict' : status < 500 ? 'invalid' : 'internal'
    return new CreelError(code, `could not ${doing}: ${engineText(error)}`, { cause: error })
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const hint = UNREACHABLE[code]
  return new EngineUnavailableError(
    `the container engine does not answer: could not ${doing} (${code || errorText(error)})`,
    { ...(hint ? { hint } : {}), cause: error },
  )
}

/** Resolves to undefined when the engine answers with one of these statuses: what was wanted holds already. */
export async function ignoreStatus<T>(statuses: readonly number[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (statuses.includes(engineStatus(error) ?? 0)) return undefined
    throw error
  }
}

/** Already gone. */
export function ignoreNotFound<T>(call: Promise<T>): Promise<T | undefined> {
  return ignoreStatus([404], call)
}

/** The engine's own words, without the prefix that dockerode puts before them. */
function engineText(error: unknown): string {
  return errorText(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim()
    .slice(0, 500)
}
