import { z } from 'zod'
import { CreelError } from '../../src/domain/errors.ts'

const ANSWER_MS = 15_000
const TELEGRAM = 'https://api.telegram.org'

const Me = z.object({
  ok: z.literal(true),
  result: z.object({
    id: z.number(),
    username: z.string().max(64),
    first_name: z.string().max(256),
    can_read_all_group_messages: z.boolean().optional(),
    can_join_groups: z.boolean().optional(),
  }),
})

export interface TelegramBot {
  /** Without the @. */
  readonly username: string
  /** Null where the server does not say. */
  readonly readsAllInGroups: boolean | null
  readonly joinsGroups: boolean | null
}

/** What a token looks like; the rest only Telegram knows. */
export function tokenProblem(text: string): string | undefined {
  return text === '' || /^\d{3,20}:[\w-]{30,100}$/.test(text)
    ? undefined
    : 'expected what @BotFather gave you, such as 123456789:AAF…'
}

/** Asks Telegram whose token this is. Throws CreelError, without the token, when it is nobody's or there is no answer. */
export async function askWhoseToken(
  token: string,
  apiRoot: string,
  signal: AbortSignal,
): Promise<TelegramBot> {
  const root = (apiRoot || TELEGRAM).replace(/\/+$/, '')
  const place = apiRoot === '' ? 'Telegram' : apiRoot
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  let response: Response
  let body: unknown
  try {
    response = await fetch(`${root}/bot${token}/getMe`, { signal: bounded, redirect: 'manual' })
    body = await response.json()
  } catch (error) {
    if (signal.aborted) throw signal.reason
    // The text of the error may hold the address, and with it the token.
    const { cause } = error as { cause?: { code?: string } }
    throw new CreelError(
      'unavailable',
      `${place} could not be asked: ${cause?.code ?? 'no answer that makes sense'}`,
      {
        hint: 'look whether this machine reaches it: curl -I https://api.telegram.org',
      },
    )
  }
  if (response.status === 401 || response.status === 404)
    throw new CreelError('unauthorized', `${place} does not know this token (status ${response.status})`, {
      hint: 'copy it again from @BotFather (/mybots, API Token), the whole line',
    })
  const me = Me.safeParse(body)
  if (!me.success)
    throw new CreelError(
      'unavailable',
      `${place} answered ${response.status} to the question whose token it is`,
      {
        hint: 'try again in a minute',
      },
    )
  const { username, can_read_all_group_messages: all, can_join_groups: joins } = me.data.result
  return { username, readsAllInGroups: all ?? null, joinsGroups: joins ?? null }
}

/** What the bot hears in groups, and how that is changed. */
export function privacyLines({ username, readsAllInGroups, joinsGroups }: TelegramBot): readonly string[] {
  if (joinsGroups === false)
    return [`@${username} may not be added to groups. To allow it: @BotFather, /setjoingroups.`]
  if (readsAllInGroups === true)
    return [
      `@${username} hears every message of its groups (privacy mode is off).`,
      'It answers as each chat is bound: when mentioned, unless you say otherwise.',
    ]
  return [
    `In groups @${username} hears mentions, answers to it, and commands alone`,
    `(privacy mode${readsAllInGroups === null ? ', unless it was switched off' : ' is on'}). That is right for an agent that answers when`,
    'it is mentioned. One that is to know what is said meanwhile needs it off:',
    '@BotFather, /setprivacy, Disable; then take the bot out of the group and',
    'add it again.',
  ]
}
