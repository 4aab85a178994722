import { type Command, Option } from 'commander'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { logInWithBrowser } from '../adapters/oauth/browser-login.ts'
import { logInWithDevice } from '../adapters/oauth/device-login.ts'
import { HttpTokenServer } from '../adapters/oauth/http-token-server.ts'
import { CreelError } from '../domain/errors.ts'
import { CHATGPT, CLAUDE, chatgptClient } from '../domain/login-services.ts'
import type { IssuedTokens } from '../domain/ports/token-server.ts'
import { type LoginClient, type SecretValue, serviceOf } from '../domain/secret.ts'
import { type CliContext, installOf } from './context.ts'
import { print } from './output.ts'
import type { SecretInput } from './secret-input.ts'
import { setupToken } from './secret-value.ts'
import { runCommand } from './session.ts'

interface LoginOptions {
  readonly authorizeUrl?: string
  readonly tokenUrl?: string
  readonly clientId?: string
  readonly scope: string
  readonly host: readonly string[]
  readonly issuer: string
  readonly default?: boolean
  readonly json?: boolean
}

export function addVaultLoginCommand(vault: Command, context: CliContext, input: SecretInput): void {
  vault
    .command('login <name>')
    .description('log in with a subscription, or at any OAuth service')
    .option('--authorize-url <url>', 'of another service: where a person logs in')
    .option('--token-url <url>', 'of another service: where its tokens come from')
    .option('--client-id <id>', 'of another service: what it knows Creel as')
    .option('--scope <scope>', 'of another service: what is asked for', '')
    .option('--host <host...>', 'of another service: hosts that the token may be sent to', [])
    .addOption(
      new Option('--issuer <url>', 'another login service of the ChatGPT kind')
        .default(CHATGPT.issuer)
        .hideHelp(),
    )
    .option('--default', 'make it the default profile of its service')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
  creel vault login anthropic/work    a Claude plan: asks for the token that "claude setup-token" prints
  creel vault login openai/work       a ChatGPT plan: shows a code to type on a page, in any browser
  creel vault login calendar --authorize-url … --token-url … --client-id … --host api.example.com

The login is Creel's own: one that another program uses, too, would end for both at the next renewal.`,
    )
    .action(async (name: string, options: LoginOptions) => {
      const install = installOf(context)
      const value = await logIn(name, options, context, input)
      const asked = { name, value, default: options.default ?? false }
      const result = await runCommand(install, 'vault-set', asked)
      print(context.output, options.json, result, () => `${name} is logged in; it counts at once`)
    })
}

async function logIn(
  name: string,
  options: LoginOptions,
  context: CliContext,
  input: SecretInput,
): Promise<SecretValue> {
  const service = serviceOf(name)
  const say = (line: string) => context.output.err(line)
  if (service === 'anthropic') {
    say('Run "claude setup-token" on any machine with a browser, and give here the token that it prints.')
    const token = await input.read('the token', context.signal)
    if (token.startsWith(CLAUDE.tokenPrefix)) return setupToken(token, systemClock.now())
    throw new CreelError('invalid', `expected a token that begins with ${CLAUDE.tokenPrefix}`, {
      hint: `an API key is set with ./creel vault set ${name}`,
    })
  }
  const server = new HttpTokenServer(systemClock)
  if (service === 'openai') {
    return chatgptLogin(options.issuer, say, context.signal)
  }
  if (service !== null) throw new CreelError('invalid', `${name}: there is no login for ${service}`)
  const { authorizeUrl, tokenUrl, clientId, scope, host } = options
  if (authorizeUrl === undefined || tokenUrl === undefined || clientId === undefined || host.length === 0)
    throw new CreelError(
      'invalid',
      `${name}: --authorize-url, --token-url, --client-id and --host are needed`,
    )
  const client: LoginClient = { tokenUrl, clientId, body: 'form' }
  const tokens = await logInWithBrowser({
    ...{ authorizeUrl, client, scope, server, signal: context.signal },
    onAddress: (address) => {
      say(`Open this address in a browser and log in:\n\n${address}\n`)
      say('Where the browser is on another machine: paste the address that it ends at.')
    },
    paste: (signal) => input.read('the address', signal),
  })
  return loginValue(tokens, client, host)
}

/** Pairs with a ChatGPT plan: shows page and code, waits until a person typed it there. */
export async function chatgptLogin(
  issuerUrl: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<SecretValue> {
  const issuer = issuerUrl.replace(/\/+$/, '')
  const tokens = await logInWithDevice({
    ...{ issuer, server: new HttpTokenServer(systemClock), clock: systemClock, signal },
    onCode: (page, code) => {
      say(`1. Open ${page} in any browser and log in.`)
      say(`2. Type this code there: ${code}`)
      say('Waiting; the code is good for 15 minutes. Give it to nobody.')
    },
  })
  return loginValue(tokens, chatgptClient(issuer), [])
}

function loginValue(tokens: IssuedTokens, client: LoginClient, hosts: readonly string[]): SecretValue {
  return {
    kind: 'oauth',
    access: tokens.access,
    refresh: tokens.refresh,
    client: tokens.refresh === null ? null : client,
    expiresAt: tokens.expiresAt,
    obtainedAt: systemClock.now(),
    account: tokens.account,
    hosts: [...hosts],
    paths: [],
    renewingSince: null,
    dead: null,
  }
}
