import { CHATGPT, CLAUDE } from './login-services.ts'
import type { ModelApi, ModelCredential } from './ports/gateway.ts'

/** Headers (lower-case names) with which a service knows who asks. `betas`: what the client asks Anthropic for. */
export function modelHeaders(
  api: ModelApi,
  credential: ModelCredential,
  betas = '',
): Readonly<Record<string, string>> {
  const { kind, key } = credential
  if (api === 'anthropic' && kind === 'key') return { 'x-api-key': key }
  const authorization = `Bearer ${key}`
  if (kind === 'key') return { authorization }
  if (api === 'openai')
    return credential.account === null
      ? { authorization }
      : { authorization, [CHATGPT.accountHeader]: credential.account }
  const asked = betas.split(',').map((beta) => beta.trim())
  const others = asked.filter((beta) => beta !== '' && beta !== CLAUDE.beta)
  return { authorization, 'anthropic-beta': [...others, CLAUDE.beta].join(',') }
}
