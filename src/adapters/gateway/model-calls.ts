import type { ModelApi } from '../../domain/ports/gateway.ts'

/** A request that may pass, with the path at the service. */
export interface ModelCall {
  readonly api: ModelApi
  /** Begins with `/`; query included. */
  readonly path: string
}

export interface Refusal {
  readonly refused: string
}

const MAX_TARGET = 4_096

/** One path segment that is a name, such as a model's; it cannot be `.` or `..`. */
const NAME = '[A-Za-z0-9_:-][A-Za-z0-9._:-]{0,127}'

/**
 * What a model service is called for. Not on the list is what would show one group the things of another that lie
 * under the same key: stored files, answers, batches, and the account itself.
 */
const CALLS: Readonly<Record<ModelApi, readonly (readonly [method: string, path: RegExp])[]>> = {
  anthropic: [
    ['HEAD', /^\/$/],
    ['HEAD', /^\/api\/hello$/],
    ['GET', /^\/v1\/models$/],
    ['GET', new RegExp(`^/v1/models/${NAME}$`)],
    ['POST', /^\/v1\/messages$/],
    ['POST', /^\/v1\/messages\/count_tokens$/],
  ],
  openai: [
    ['HEAD', /^\/$/],
    ['GET', /^\/v1\/models$/],
    ['GET', new RegExp(`^/v1/models/${NAME}(?:/${NAME})?$`)],
    ['POST', /^\/v1\/(?:responses|chat\/completions|completions|embeddings)$/],
    ['POST', /^\/v1\/responses\/compact$/],
    ['POST', /^\/v1\/images\/(?:generations|edits)$/],
  ],
}

export const ALLOWED =
  'allowed are calls of a model (POST /anthropic/v1/messages, POST /openai/v1/responses or /openai/v1/chat/completions) and GET of the list of models'

/**
 * Judges method and target of a request as they were received. Nothing is put right: a target that another server
 * could read differently (`..`, `//`, an encoded slash, an address) is refused.
 */
export function judgeCall(method: string, target: string): ModelCall | Refusal {
  if (target.length > MAX_TARGET) return { refused: 'the address is too long' }
  if (!target.startsWith('/')) return { refused: 'the address must begin with a slash' }
  if (!/^[\x21-\x7e]+$/.test(target) || /[\\#]/.test(target))
    return { refused: 'the address has odd characters' }
  const cut = target.indexOf('?')
  const path = cut < 0 ? target : target.slice(0, cut)
  if (/%|\/\/|\/\.{1,2}(?:\/|$)/.test(path)) return { refused: 'the path is not in its plain form' }
  const [, name = '', rest = ''] = /^\/([^/]+)(.*)$/.exec(path) ?? []
  const api = name === 'anthropic' || name === 'openai' ? name : null
  if (api === null) return { refused: 'there is nothing at this path' }
  const inner = rest === '' ? '/' : rest
  if (!CALLS[api].some(([allowed, form]) => allowed === method && form.test(inner)))
    return { refused: 'this call is not allowed' }
  return { api, path: inner + (cut < 0 ? '' : target.slice(cut)) }
}

/** The same call as a ChatGPT login is to make it: there the paths have no version, and few of them exist. */
export function callWithLogin(call: ModelCall): ModelCall | Refusal {
  const known = /^\/v1(\/responses(?:\/compact)?(?:\?.*)?)$/.exec(call.path)
  if (known?.[1] === undefined)
    return { refused: 'with a ChatGPT login only POST /openai/v1/responses is possible' }
  return { api: call.api, path: known[1] }
}
