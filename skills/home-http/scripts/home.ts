// Home Assistant over its REST interface; the token is added outside of the sandbox.
//   node home.ts --hub URL list [DOMAIN]
//   node home.ts --hub URL state ENTITY
//   node home.ts --hub URL call DOMAIN SERVICE ENTITY [KEY=VALUE ...]
import { parseArgs } from 'node:util'

interface Entity {
  readonly entity_id: string
  readonly state: string
  readonly attributes?: { readonly friendly_name?: string; readonly unit_of_measurement?: string }
}

const TIMEOUT_MS = 15_000
const ENTITY = /^[a-z0-9_]+\.[a-z0-9_]+$/
const WORD = /^[a-z0-9_]+$/

const { values, positionals } = parseArgs({ allowPositionals: true, options: { hub: { type: 'string' } } })
const [verb, ...rest] = positionals
if (values.hub === undefined || verb === undefined)
  fail('usage: home.ts --hub URL list [DOMAIN] | state ENTITY | call DOMAIN SERVICE ENTITY [KEY=VALUE ...]')
const hub = values.hub

if (verb === 'list') await list(rest[0])
else if (verb === 'state') console.log(line((await ask(`states/${entityOf(rest[0])}`)) as Entity))
else if (verb === 'call') await call(rest)
else fail(`expected list, state or call, got ${verb}`)

async function list(domain: string | undefined): Promise<void> {
  const all = (await ask('states')) as Entity[]
  const prefix = domain === undefined ? '' : `${wordOf('domain', domain)}.`
  const found = all.filter(({ entity_id }) => entity_id.startsWith(prefix)).map(line)
  console.log(found.length === 0 ? 'nothing' : found.sort().join('\n'))
}

async function call([domain, service, entity, ...pairs]: string[]): Promise<void> {
  const path = `services/${wordOf('domain', domain)}/${wordOf('service', service)}`
  const data = Object.fromEntries(pairs.map(pairOf))
  const changed = (await ask(path, { ...data, entity_id: entityOf(entity) })) as Entity[]
  console.log(
    changed.length === 0 ? 'the hub took it; no state has changed yet' : changed.map(line).join('\n'),
  )
}

async function ask(path: string, body?: object): Promise<unknown> {
  const url = `${hub.replace(/\/+$/, '')}/api/${path}`
  const init = { headers: { 'content-type': 'application/json' }, signal: AbortSignal.timeout(TIMEOUT_MS) }
  const sent = body === undefined ? init : { ...init, method: 'POST', body: JSON.stringify(body) }
  const answer = await fetch(url, sent).catch((error: unknown) =>
    fail(`${hub} cannot be reached: ${reasonOf(error)}; is it allowed for this agent?`),
  )
  const said = await answer.text()
  if (answer.status === 401)
    fail('the hub wants a token: the owner has to put it into the vault of Creel for this host (401)')
  if (answer.status === 404) fail(`the hub knows no ${path} (404)`)
  if (!answer.ok) fail(`the hub answered ${answer.status}: ${said.slice(0, 500)}`)
  try {
    return JSON.parse(said)
  } catch {
    return fail('the answer is not JSON: is this the address of Home Assistant?')
  }
}

function line({ entity_id, state, attributes = {} }: Entity): string {
  const { friendly_name: name, unit_of_measurement: unit } = attributes
  return `${entity_id}: ${state}${unit ? ` ${unit}` : ''}${name ? `  (${name})` : ''}`
}

/** A value that reads as JSON is that: a number, true, a list. Everything else is a text. */
function pairOf(pair: string): [string, unknown] {
  const at = pair.indexOf('=')
  if (at < 1) fail(`expected KEY=VALUE, got ${pair}`)
  const text = pair.slice(at + 1)
  try {
    return [pair.slice(0, at), JSON.parse(text)]
  } catch {
    return [pair.slice(0, at), text]
  }
}

function entityOf(text = ''): string {
  return ENTITY.test(text) ? text : fail(`entity: expected such as light.kitchen, got ${text || 'nothing'}`)
}

function wordOf(what: string, text = ''): string {
  return WORD.test(text) ? text : fail(`${what}: expected such as light or turn_on, got ${text || 'nothing'}`)
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

function fail(problem: string): never {
  console.error(`home: ${problem}`)
  process.exit(1)
}
