import type { McpServer } from '@creel/protocol'
import { addressRule } from '../domain/tool-server.ts'
import { quoted } from './quoted.ts'

const NAME = /^[a-z][a-z0-9_-]{0,29}$/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/
const MAX_WORD = 400
const MAX_ARGS = 30
const MAX_VARIABLES = 20
const MAX_ALL = 3_000
/** Names of variables that hold what must not stand in a database or be shown on a card. */
const SECRET_NAME =
  /(?:^|_)(?:key|apikey|token|secret|password|passwd|pwd|pass|credentials?|auth|authorization|cookie|pat|pin)(?:_|\d*$)/i
/** What keys of well-known services begin with, and JSON web tokens. */
const SECRET_VALUE =
  /(?:^|[=:\s"'])(?:sk-|sk_|rk_|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abposr]-|AKIA|ASIA|AIza|hf_|npm_|eyJ[\w-]{8,}\.)[\w-]{6,}/
const ABOUT_SECRETS =
  'No secret may stand there: it would be in the clear. The owner stores it with "creel vault set" and the gateway adds it to the requests that need it; give the server a placeholder'

/** What is wrong with the name of a tool server, for the agent; null when nothing is. */
export function nameProblem(name: string): string | null {
  if (!NAME.test(name))
    return 'A name is a-z, 0-9, _ and -, begins with a letter and has at most 30 characters.'
  return /^creel(?:_|-|$)/.test(name)
    ? '"creel" is the tool server with Creel\'s own tools; take another name.'
    : null
}

/** What is wrong with a tool server that is asked for, for the agent; null when nothing is. Pure. */
export function serverProblem(server: McpServer): string | null {
  return 'url' in server ? addressProblem(server.url) : commandProblem(server)
}

function addressProblem(address: string): string | null {
  const url = URL.parse(address)
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'url: expected an address such as https://mcp.example.com/mcp.'
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '')
    return `url: expected an address without user, password, ? and #. ${ABOUT_SECRETS}.`
  if (/^(?:localhost|.*\.localhost|127\..*|\[::1\])$/.test(url.hostname))
    return 'url: this is your own sandbox. Give the command that starts the server instead: it is started for you.'
  if (addressRule(address) === null) return 'url: its host is none that can be allowed.'
  return unseen([address])
}

function commandProblem({ command, args, env }: Extract<McpServer, { command: string }>): string | null {
  const variables = Object.entries(env)
  if (command === '') return 'command: expected a program such as node or uvx.'
  if (args.length > MAX_ARGS) return `args: expected at most ${MAX_ARGS}; put them into a script.`
  if (variables.length > MAX_VARIABLES) return `env: expected at most ${MAX_VARIABLES} variables.`
  for (const [name, value] of variables) {
    if (!VARIABLE.test(name)) return `env: ${JSON.stringify(name.slice(0, 80))} is no name of a variable.`
    if (SECRET_NAME.test(name)) return `env: ${name} looks like a secret. ${ABOUT_SECRETS}.`
    if (SECRET_VALUE.test(value)) return `env: the value of ${name} looks like a secret. ${ABOUT_SECRETS}.`
  }
  if ([command, ...args].some((word) => SECRET_VALUE.test(word)))
    return `args: one of them looks like a secret. ${ABOUT_SECRETS}.`
  return unseen([command, ...args, ...variables.map(([, value]) => value)])
}

/** People decide about what they see: each word has to be shown as it is. */
function unseen(words: readonly string[]): string | null {
  const wrong = words.find((word) => quoted(word, MAX_WORD) !== `\`${word}\``)
  if (wrong !== undefined)
    return `${JSON.stringify(wrong.slice(0, 100))} cannot be shown to the owner as it is: expected one line of 1 to ${MAX_WORD} visible characters, without backticks, double spaces and spaces at its ends. Put it into a script in your workspace and name that.`
  const all = words.reduce((sum, word) => sum + word.length, 0)
  return all > MAX_ALL
    ? `It has ${all} characters in all, expected at most ${MAX_ALL}. Put it into a script.`
    : null
}

/** A tool server as people see it, whole: lines of markdown. */
export function serverLines(server: McpServer): readonly string[] {
  if ('url' in server) {
    const rule = addressRule(server.url)
    const place = rule === null ? '' : `${rule.host}:${rule.ports.join()}`
    return [
      `Its address: ${quoted(server.url, MAX_WORD)}`,
      ...(rule?.private ? ['**This is inside your own network**, not on the internet.'] : []),
      `Its sandbox may then reach ${quoted(place, 300)} for as long as it has this server, and send there what it knows.`,
    ]
  }
  const { command, args, env } = server
  return [
    'It runs inside its sandbox, with what the agent itself can do there and nothing more. Its command, whole:',
    '',
    quoted(command, MAX_WORD),
    ...args.map((arg) => quoted(arg, MAX_WORD)),
    ...(Object.keys(env).length === 0 ? [] : ['', 'Its environment:', '']),
    ...Object.entries(env).map(([name, value]) => quoted(`${name}=${value}`, MAX_WORD + 65)),
  ]
}
