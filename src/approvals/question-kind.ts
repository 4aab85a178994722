import { z } from 'zod'
import type { Approval } from '../domain/approval.ts'
import { cleanText } from '../markdown/clean-text.ts'
import type { ApprovalKind } from './approval-kind.ts'
import { quoted } from './quoted.ts'

const MAX_LABEL = 60

const Payload = z.strictObject({
  text: z.string(),
  options: z.array(z.string()),
  freeText: z.boolean(),
  onlySpeaker: z.boolean(),
})

/** What of it is there even when nobody was asked. */
const Asked = z.object({ text: z.string() })

/** A question of an agent to the people of its chat. It grants nothing: the answer is words for the agent. */
export const questionKind: ApprovalKind = {
  name: 'question',
  decides: 'chat',
  read(_group, ask) {
    if (ask.kind !== 'question') throw new Error(`an ask of kind ${ask.kind}`)
    const text = cleanText(ask.text).trim()
    const options = ask.options.map((option) =>
      cleanText(option).replace(/\s+/g, ' ').trim().slice(0, MAX_LABEL),
    )
    if (text === '' || options.some((option) => option === '') || (options.length === 0 && !ask.freeText))
      return {
        settled: 'denied',
        outcome: 'A question needs a text, and options or free text to answer with.',
      }
    return {
      payload: { text, options, freeText: ask.freeText, onlySpeaker: ask.onlySpeaker },
      what: `asks:\n\n${text}${ask.freeText ? '\n\n(You can also answer in your own words.)' : ''}`,
      choices: options.map((label, index) => ({ id: String(index + 1), label, allows: true })),
      openMs: ask.timeoutS * 1_000,
    }
  },
  carryOut({ answer, choice, choices }) {
    const chosen = choices.find(({ id }) => id === choice)
    return `The answer: ${JSON.stringify(chosen?.label ?? answer ?? '')}`
  },
  about: ({ payload }) => `your question ${quoted(Asked.parse(JSON.parse(payload)).text, 100)}`,
  expired: () =>
    'Nobody answered in time. Do not guess an answer in their name: do what is safe without one, or leave it.',
}

/** What was asked. */
export function questionOf({ payload }: Pick<Approval, 'payload'>): z.infer<typeof Payload> {
  return Payload.parse(JSON.parse(payload))
}
