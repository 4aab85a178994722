import { z } from 'zod'
import { INSTALL_LABEL, type Policy } from './policy.ts'

/** What has to hold about the container that the path names, before the call goes on. */
export type ContainerCheck = 'own' | 'own-and-sources' | 'own-or-self'

export interface Endpoint {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  /** The whole path; group 1 is the container, where there is one. */
  readonly path: RegExp
  /** Query keys that are known, judged, and sent on; an unknown key is a denial. */
  readonly query: z.ZodType<Record<string, string | undefined>>
  readonly body: 'none' | 'create' | 'stream'
  readonly container?: ContainerCheck
}

const Flag = z.enum(['0', '1', 'true', 'false']).optional()
const Count = z
  .string()
  .regex(/^\d{1,10}$/)
  .optional()
const Time = z
  .string()
  .regex(/^\d{1,12}(?:\.\d{1,9})?$/)
  .optional()
const Signal = z
  .string()
  .regex(/^(?:SIG)?[A-Z0-9]{1,10}$/)
  .optional()
const nothing = z.strictObject({})

const ref = '([A-Za-z0-9][A-Za-z0-9_.-]{0,127})'
const container = (rest: string) => new RegExp(`^/containers/${ref}${rest}$`)

const List = z.strictObject({ all: Flag, limit: Count, size: Flag, filters: z.string().max(4096).optional() })
const StringMap = z.string().max(16_384).refine(isStringMap, 'must be a JSON object of strings').optional()
/** No `remote`, `networkmode`, `extrahosts`, `outputs`, `cachefrom`, `session`, … : unknown keys are denied. */
const Build = z.strictObject({
  t: z.string().regex(/^creel-(?:agent|packages):[0-9a-f]{8,64}$/),
  dockerfile: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$/)
    .optional(),
  networkmode: z.enum(['', 'default']).optional(),
  version: z.enum(['', '1']).optional(),
  q: Flag,
  nocache: Flag,
  rm: Flag,
  forcerm: Flag,
  memory: Count,
  memswap: Count,
  cpuperiod: Count,
  cpuquota: Count,
  pull: Flag,
  buildargs: StringMap,
  labels: StringMap,
})

/** The whole of the engine that exists for the host. What stands in no row is denied. */
export const ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: /^\/_ping$/, query: nothing, body: 'none' },
  { method: 'HEAD', path: /^\/_ping$/, query: nothing, body: 'none' },
  { method: 'GET', path: /^\/version$/, query: nothing, body: 'none' },
  { method: 'GET', path: /^\/info$/, query: nothing, body: 'none' },
  { method: 'GET', path: /^\/containers\/json$/, query: List, body: 'none' },
  { method: 'POST', path: /^\/containers\/create$/, query: z.record(z.string(), z.string()), body: 'create' },
  { method: 'POST', path: /^\/build$/, query: Build, body: 'stream' },
  {
    method: 'GET',
    path: /^\/images\/creel-(?:agent|base|packages):[a-z0-9][a-z0-9._-]{0,100}\/json$/,
    query: nothing,
    body: 'none',
  },
  // Never one that a container is made from: without `force` the engine refuses that.
  {
    method: 'DELETE',
    path: /^\/images\/creel-packages:[0-9a-f]{8,64}$/,
    query: nothing,
    body: 'none',
  },
  {
    method: 'GET',
    path: container('/json'),
    query: z.strictObject({ size: Flag }),
    body: 'none',
    container: 'own-or-self',
  },
  { method: 'POST', path: container('/start'), query: nothing, body: 'none', container: 'own-and-sources' },
  {
    method: 'POST',
    path: container('/stop'),
    query: z.strictObject({ t: Count, signal: Signal }),
    body: 'none',
    container: 'own',
  },
  {
    method: 'POST',
    path: container('/kill'),
    query: z.strictObject({ signal: Signal }),
    body: 'none',
    container: 'own',
  },
  {
    method: 'POST',
    path: container('/wait'),
    query: z.strictObject({ condition: z.enum(['not-running', 'next-exit', 'removed']).optional() }),
    body: 'none',
    container: 'own',
  },
  { method: 'POST', path: container('/pause'), query: nothing, body: 'none', container: 'own' },
  { method: 'POST', path: container('/unpause'), query: nothing, body: 'none', container: 'own' },
  {
    method: 'GET',
    path: container('/logs'),
    query: z.strictObject({
      stdout: Flag,
      stderr: Flag,
      follow: Flag,
      timestamps: Flag,
      tail: z
        .string()
        .regex(/^(?:all|\d{1,6})$/)
        .optional(),
      since: Time,
      until: Time,
    }),
    body: 'none',
    container: 'own',
  },
  {
    method: 'DELETE',
    path: container(''),
    query: z.strictObject({ force: Flag, v: Flag }),
    body: 'none',
    container: 'own',
  },
]

const Filters = z.strictObject({
  label: z.union([z.array(z.string().max(300)), z.record(z.string().max(300), z.literal(true))]).optional(),
  name: z.array(z.string().max(300)).optional(),
  status: z.array(z.string().max(30)).optional(),
  id: z.array(z.string().max(64)).optional(),
})

/** The client's list filters with ours added: the engine joins label filters with AND. Throws on a bad filter. */
export function ownFilters(text: string | undefined, policy: Policy): string {
  const given = Filters.parse(text === undefined || text === '' ? {} : JSON.parse(text))
  const labels = Array.isArray(given.label) ? given.label : Object.keys(given.label ?? {})
  const own = `${INSTALL_LABEL}=${policy.installId}`
  return JSON.stringify({ ...given, label: [own, ...labels.filter((label) => label !== own)] })
}

function isStringMap(text: string): boolean {
  try {
    return z
      .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,80}$/), z.string())
      .safeParse(JSON.parse(text)).success
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
