import { judgeCreate } from './create-body.ts'
import { type ContainerCheck, ENDPOINTS, type Endpoint, ownFilters } from './endpoints.ts'
import { DeniedError, type Policy } from './policy.ts'
import { parseTarget, type RequestTarget } from './request-target.ts'

export interface FilterRequest {
  readonly method: string
  /** As it stood in the request line. */
  readonly target: string
  /** The client asked for another protocol on this connection (attach, exec, BuildKit sessions). */
  readonly upgrade: boolean
  /** Empty for a request whose body is streamed on; see `streamsBody`. */
  readonly body: string
}

/** A call to make to the engine. Everything in it was written anew; nothing of the client's text is copied. */
export interface AllowedCall {
  readonly allow: true
  readonly method: string
  /** With `{container}` where the full id of the checked container belongs. */
  readonly path: string
  /** JSON to send, `stream` for the client's own body, null for none. */
  readonly body: string | 'stream' | null
  readonly container: { readonly ref: string; readonly check: ContainerCheck } | null
  /** Engine-side folders to check for links. */
  readonly sources: readonly string[]
}

export type Verdict = AllowedCall | { readonly allow: false; readonly reason: string }

/** Whether the body of this request is a build context, which is passed on unread. Never throws. */
export function streamsBody(method: string, target: string): boolean {
  return method === 'POST' && /^(?:\/v1\.\d\d)?\/build(?:\?|$)/.test(target)
}

/** May this request reach the engine, and as what? Pure; never throws. */
export function judge(request: FilterRequest, policy: Policy): Verdict {
  try {
    return allowedCall(request, policy)
  } catch (error) {
    if (error instanceof DeniedError) return { allow: false, reason: error.message }
    return { allow: false, reason: 'the request could not be judged' }
  }
}

function allowedCall(request: FilterRequest, policy: Policy): AllowedCall {
  if (request.upgrade) throw new DeniedError('a protocol upgrade is not allowed')
  const target = parseTarget(request.target)
  const endpoint = ENDPOINTS.find((row) => row.method === request.method && row.path.test(target.path))
  if (endpoint === undefined) throw new DeniedError('this call is not on the list')
  if (endpoint.body === 'create') return createCall(request, target, policy)
  if (endpoint.body === 'stream' && !policy.allowBuild) throw new DeniedError('builds are switched off')
  const query = judgeQuery(endpoint, target)
  if (endpoint.body === 'none') refuseBody(request.body, query)
  if (target.path === '/containers/json') query.filters = judgeFilters(query.filters, policy)
  const ref = endpoint.container === undefined ? undefined : endpoint.path.exec(target.path)?.[1]
  return {
    allow: true,
    method: endpoint.method,
    path: withQuery(target, ref, query),
    body: endpoint.body === 'stream' ? 'stream' : null,
    container:
      ref === undefined || endpoint.container === undefined ? null : { ref, check: endpoint.container },
    sources: [],
  }
}

/** dockerode repeats every option of `create` in the query; the engine reads `name` and `platform` there. */
function createCall(request: FilterRequest, target: RequestTarget, policy: Policy): AllowedCall {
  if (target.repeated.has('name')) throw new DeniedError('the query names the container twice')
  if (target.query.has('platform')) throw new DeniedError('query key platform is not allowed')
  const judged = judgeCreate(request.body, target.query.get('name'), policy)
  return {
    allow: true,
    method: 'POST',
    path: withQuery(target, undefined, { name: judged.name }),
    body: judged.body,
    container: null,
    sources: judged.sources,
  }
}

function judgeQuery(endpoint: Endpoint, target: RequestTarget): Record<string, string | undefined> {
  if (target.repeated.size > 0) throw new DeniedError('a query key stands twice')
  const judged = endpoint.query.safeParse(Object.fromEntries(target.query))
  if (judged.success) return { ...judged.data }
  const issue = judged.error.issues[0]
  const key = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0]
  throw new DeniedError(`query key ${String(key).slice(0, 40)} is not allowed as it is`)
}

/**
 * The engine is sent no body for these calls. A client repeats its query in the body at most; anything more is
 * an attempt (old engines take a HostConfig with `start`).
 */
function refuseBody(body: string, query: Record<string, string | undefined>): void {
  if (body.trim() === '') return
  const parsed: unknown = parseOrDeny(body)
  const known = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  if (!known || Object.keys(parsed).some((key) => !Object.hasOwn(query, key)))
    throw new DeniedError('this call takes no body')
}

function judgeFilters(text: string | undefined, policy: Policy): string {
  try {
    return ownFilters(text, policy)
  } catch (error) {
    throw new DeniedError('the list filters are not allowed as they are', { cause: error })
  }
}

function parseOrDeny(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DeniedError('this call takes no body', { cause: error })
  }
}

function withQuery(
  target: RequestTarget,
  ref: string | undefined,
  query: Record<string, string | undefined>,
): string {
  const path =
    ref === undefined
      ? target.path
      : `/containers/{container}${target.path.slice('/containers/'.length + ref.length)}`
  const version = target.version === '' ? '' : `/${target.version}`
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const text = new URLSearchParams(pairs).toString()
  return `${version}${path}${text === '' ? '' : `?${text}`}`
}
