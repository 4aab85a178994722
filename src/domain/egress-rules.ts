import { z } from 'zod'
import { canonicalPattern, hostMatches, isAddress, isLocalName, isTooWide } from './egress-host.ts'
import { CreelError } from './errors.ts'
import { isBelow } from './injection.ts'
import { isPublicAddress } from './ip-address.ts'
import type { EgressRequest, EgressTarget } from './ports/egress.ts'
import { PathPattern } from './secret.ts'

/** What may leave a sandbox: one host or all below a domain, and how much of it. */
export interface EgressRule {
  /** `example.com`, `*.example.com` (all below it, not itself), an address, or `*`; in canonical form. */
  readonly host: string
  readonly ports: readonly number[]
  /** Upper case; GET includes HEAD. Empty = every method. */
  readonly methods: readonly string[]
  /** Each with all below it. Empty = every path. */
  readonly paths: readonly string[]
  /** Whether it may end at an address that is not public. */
  readonly private: boolean
}

/** What is wrong with a rule: which part of it (keys), and what was expected there. */
export interface RuleProblem {
  readonly path: readonly (string | number)[]
  readonly expected: string
}

const MAX_PARTS = 20
const HOST_FORM = 'a host such as example.com, *.example.com, http://example.com or example.com:8443'

const RuleObject = z.strictObject({
  host: z.string(),
  ports: z.array(z.number().int().min(1).max(65_535)).min(1).max(MAX_PARTS).optional(),
  methods: z
    .array(z.string().regex(/^[A-Za-z]{1,20}$/))
    .max(MAX_PARTS)
    .default([]),
  paths: z.array(PathPattern).max(MAX_PARTS).default([]),
  private: z.boolean().default(false),
})
const EXPECTED: Readonly<Record<string, string>> = {
  host: HOST_FORM,
  ports: `numbers from 1 to 65535, at most ${MAX_PARTS}, such as [443, 8443]`,
  methods: `names of methods such as ["GET", "POST"], at most ${MAX_PARTS}`,
  paths: 'plain paths such as ["/repos/acme"], without %, ?, #, * or ..',
  private: 'true or false',
}

/** A rule as a person writes it, text or object. Problems say what was expected and what to write instead. */
export function parseEgressRule(raw: unknown): EgressRule | readonly RuleProblem[] {
  if (typeof raw === 'string') return fromParts({ host: raw, methods: [], paths: [], private: false }, [])
  const parsed = RuleObject.safeParse(raw)
  if (parsed.success) return fromParts(parsed.data, ['host'])
  return parsed.error.issues.map((issue): RuleProblem => {
    const keys = Object.keys(RuleObject.shape).join(', ')
    if (issue.code === 'unrecognized_keys')
      return { path: [], expected: `only ${keys}, and there is no key ${issue.keys.join(', ')}` }
    const [key] = issue.path
    if (key === undefined)
      return { path: [], expected: `a text such as "example.com" or an object with ${keys}` }
    return { path: [String(key)], expected: EXPECTED[String(key)] ?? issue.message }
  })
}

/** The same for one rule that somebody typed. Throws `invalid`. */
export function egressRule(raw: unknown): EgressRule {
  const result = parseEgressRule(raw)
  if (!('length' in result)) return result
  const problems = result.map(({ path, expected }) => `${path.join('.') || 'rule'}: expected ${expected}`)
  throw new CreelError('invalid', problems.join('; '), { hint: 'such as example.com, or *.example.com:8443' })
}

/** What a person typed to be denied: a host, on all its ports unless the text names one. Throws `invalid`. */
export function denyRule(text: string): EgressRule {
  const parsed = parseEgressRule({ host: text, private: true })
  const rule = 'length' in parsed ? egressRule(text) : parsed
  const ports = canonicalPattern(text) === null ? rule.ports : []
  return { ...rule, ports, methods: [], paths: [], private: false }
}

/** A rule in container.json. */
export const EgressRuleSetting = z.unknown().transform((raw, context): EgressRule => {
  const result = parseEgressRule(raw)
  if (!('length' in result)) return result
  for (const { path, expected } of result)
    context.addIssue({ code: 'custom', path: [...path], message: expected, input: raw })
  return z.NEVER
})

type Parts = z.infer<typeof RuleObject>

function fromParts(parts: Parts, at: readonly string[]): EgressRule | readonly RuleProblem[] {
  const no = (expected: string): RuleProblem[] => [{ path: at, expected }]
  const split = /^(?:(https?):\/\/)?(\[[^\]]*\]|[^/:?#@]*)(?::([0-9]+))?(\/.*)?$/i.exec(parts.host)
  const bare = canonicalPattern(parts.host)
  // "::1" has colons of its own.
  const [, scheme, name = '', portText, pathText] =
    bare === null ? (split ?? []) : [parts.host, undefined, parts.host]
  if (split === null && bare === null) return no(`${HOST_FORM}, without user, password or query`)
  const host = canonicalPattern(name)
  if (host === null) return no(notAHost(name))
  const port = portText === undefined ? null : Number(portText)
  if (port !== null && (port < 1 || port > 65_535)) return no('a port from 1 to 65535')
  if (port !== null && parts.ports !== undefined)
    return no('the port in one place: in the host or in "ports"')
  const paths = pathText === undefined || pathText === '/' ? [] : [pathText]
  if (!paths.every((path) => PathPattern.safeParse(path).success))
    return no('a plain path behind the host, without %, ?, #, * or ..')
  const usual = scheme?.toLowerCase() === 'http' ? 80 : 443
  return checkPrivate(
    {
      host,
      ports: [...new Set(parts.ports ?? [port ?? usual])],
      methods: [...new Set(parts.methods.map((method) => method.toUpperCase()))],
      paths: [...new Set([...paths, ...parts.paths])],
      private: parts.private,
    },
    no,
  )
}

function checkPrivate(rule: EgressRule, no: (expected: string) => RuleProblem[]): EgressRule | RuleProblem[] {
  if (rule.private && isTooWide(rule.host))
    return no('a host or a domain of your own with "private": a wide pattern would open the whole network')
  if (!rule.private && isAddress(rule.host) && !isPublicAddress(rule.host))
    return no(
      '"private": true beside an address that is not public, such as { "host": "10.0.0.5", "private": true }',
    )
  return rule
}

function notAHost(name: string): string {
  const url = `http://${name}/`
  // What a browser makes of it is what the person meant, and it is what is connected to.
  const meant =
    name.length < 255 && !/[\s@/?#\\]/.test(name) && URL.canParse(url) ? new URL(url).hostname : ''
  const isOther = meant !== '' && meant !== name && canonicalPattern(meant) !== null
  return isOther ? `the form that programs use: write ${meant}` : HOST_FORM
}

/** Whether it speaks of this host and port at all. */
export function covers(rule: EgressRule, target: EgressTarget): boolean {
  return rule.ports.includes(target.port) && hostMatches(rule.host, target.host)
}

/** Whether a rule that denies is about this host and port; without ports it is about all. */
export function denies(rule: EgressRule, target: EgressTarget): boolean {
  return (rule.ports.length === 0 || rule.ports.includes(target.port)) && hostMatches(rule.host, target.host)
}

/** Whether it lets this request pass. A path that could be read in two ways is below no path. */
export function allows(rule: EgressRule, request: EgressRequest): boolean {
  const method = request.method === 'HEAD' && rule.methods.includes('GET') ? 'GET' : request.method
  return (
    covers(rule, request) &&
    (rule.methods.length === 0 || rule.methods.includes(method)) &&
    (rule.paths.length === 0 || rule.paths.some((prefix) => isBelow(request.path, prefix)))
  )
}

/** Whether requests must be read to know if it lets them pass. */
export function isLimited({ methods, paths }: EgressRule): boolean {
  return methods.length > 0 || paths.length > 0
}

/** Why a rule may give more, or less, than was meant; each with what to do. */
export function ruleWarnings(rule: EgressRule): readonly { readonly text: string; readonly hint: string }[] {
  const found: { text: string; hint: string }[] = []
  if (isTooWide(rule.host))
    found.push({
      text: `${rule.host} covers names that anybody can have: whatever the agent knows can be sent out there`,
      hint: 'name the hosts that are meant, such as api.example.com',
    })
  if (rule.private && rule.host.startsWith('*.'))
    found.push({
      text: `${rule.host} may end at private addresses: whoever manages these names chooses which`,
      hint: 'name the one host that is in your network',
    })
  if (!rule.private && !isAddress(rule.host) && rule.host !== '*' && isLocalName(rule.host))
    found.push({
      text: `${rule.host} is a name of a local network, and without "private" it may not end there`,
      hint: 'add "private": true (or --private)',
    })
  if (rule.ports.includes(80))
    found.push({
      text: `${rule.host} is allowed without TLS (port 80): others on the way can read and change it`,
      hint: 'use https, unless it is in your own network',
    })
  return found
}

/** For a person: `GET https://example.com:8443/repos (private)`. */
export function ruleText(rule: EgressRule): string {
  const host = rule.host.includes(':') ? `[${rule.host}]` : rule.host
  const [port] = rule.ports
  const where =
    rule.ports.length > 1
      ? `${host}:{${rule.ports.join(',')}}`
      : `${host}${port === undefined || port === 443 ? '' : `:${port}`}`
  const paths = rule.paths.length > 1 ? `{${rule.paths.join(',')}}` : (rule.paths[0] ?? '')
  const methods = rule.methods.length === 0 ? '' : `${rule.methods.join(',')} `
  return `${methods}${where}${paths}${rule.private ? ' (private)' : ''}`
}
