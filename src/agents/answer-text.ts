import type { RequestProgress } from '../domain/agent-request.ts'
import type { HostWord } from '../domain/host-word.ts'

const MAX_QUOTED = 300
const MAX_REASON = 300
const LINE_BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/g

/** What an agent is told of the answers to what it asked in one turn: the words of others, in their name. */
export function answerWord(
  requests: readonly RequestProgress[],
): Pick<HostWord, 'text' | 'fromAgent'> & Pick<HostWord, 'quote'> {
  const [first] = requests
  if (first && requests.length === 1) {
    return {
      text: answerText(first),
      fromAgent: first.to,
      quote: { name: `${first.from}, request ${first.id}`, text: first.message.slice(0, MAX_QUOTED) },
    }
  }
  // Of several each is indented, so that none can write what looks like another's.
  const parts = requests.map(({ id, to, message, ...rest }) => {
    const asked = JSON.stringify(message.slice(0, MAX_QUOTED))
    return `${to}, to request ${id} (${asked}):\n  > ${answerText(rest).replace(LINE_BREAK, '\n  > ')}`
  })
  return { text: parts.join('\n\n'), fromAgent: [...new Set(requests.map(({ to }) => to))].join(', ') }
}

function answerText({
  answer,
  finished,
  outcome,
  reason,
}: Pick<RequestProgress, 'answer' | 'finished' | 'outcome' | 'reason'>): string {
  const words = answer.trim()
  if (!finished) return `${words === '' ? '' : `${words}\n\n`}(It did not end in time and was stopped.)`
  if (outcome === 'done') return words === '' ? '(It ended without a word.)' : words
  const why = reason === null ? '' : `: ${reason.slice(0, MAX_REASON)}`
  return `${words === '' ? '' : `${words}\n\n`}(It ${outcome === 'cancelled' ? 'was stopped' : 'failed'}${why})`
}
