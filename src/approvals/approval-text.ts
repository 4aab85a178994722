import type { Approval, AskOrigin } from '../domain/approval.ts'
import type { UnixMs } from '../domain/ids.ts'
import type { ChatRow } from '../domain/ports/stores.ts'
import type { ApprovalKind } from './approval-kind.ts'
import { quoted } from './quoted.ts'

const MAX_NAME = 60

/** What people are shown: the frame is the host's, whatever the agent wrote. */
export function cardText(
  kind: ApprovalKind,
  origin: AskOrigin,
  what: string,
  facts: { readonly chat: ChatRow | null; readonly expiresAt: UnixMs },
): string {
  if (kind.decides === 'chat') return `**${origin.group}** ${what}`
  const { chat } = facts
  const where = chat
    ? ` in ${quoted(chat.title === '' ? chat.address.chat : chat.title, MAX_NAME)} (${chat.address.channel})`
    : ''
  return [
    `**Creel asks you to decide.** The agent **${origin.group}** ${what}`,
    '',
    `It was working for ${personText(origin.askedByName, origin.askedBy)}${where}.`,
    `Without a decision by ${timeText(facts.expiresAt)} it is a no.`,
  ].join('\n')
}

/** The card once nothing is left to decide. */
export function settledText(approval: Approval): string {
  return `${approval.card}\n\n**${stateText(approval)}**`
}

/** How it stands, in one line. */
export function stateText(approval: Approval): string {
  const { state, choice, choices, decidedAt, outcome } = approval
  const by = byText(approval)
  const label = choices.find(({ id }) => id === choice)?.label
  const at = decidedAt === null ? '' : `, ${timeText(decidedAt)}`
  switch (state) {
    case 'asked':
      return `Open until ${timeText(approval.expiresAt)}`
    case 'expired':
      return `Nobody decided in time${at}`
    case 'denied':
      return `Denied${by}${at}`
    case 'failed':
      return `Not carried out: ${outcome ?? ''}`
    case 'allowed':
    case 'done':
      return approval.kind === 'question'
        ? `Answered${by}: ${label ?? 'in words'}${at}`
        : `Allowed${by}: ${label ?? ''}${at}`
  }
}

/** What the agent is told in the end. */
export function tellText(approval: Approval, kind: ApprovalKind): string {
  const about = kind.about(approval)
  const by = byText(approval)
  switch (approval.state) {
    case 'done':
      if (approval.decidedBy === null) return `About ${about}: ${approval.outcome ?? ''}`
      return kind.decides === 'chat'
        ? `About ${about}${by === '' ? '' : `, answered${by}`}. ${approval.outcome ?? ''}`
        : `About ${about}: it was allowed${by}. ${approval.outcome ?? ''} Go on with what you needed it for.`
    case 'denied':
      return approval.decidedBy === null
        ? `About ${about}: nobody was asked. ${approval.outcome ?? ''}`
        : `About ${about}: it was denied${by}. That is final: do not ask for it again and do not look for a way around it. Go on without it, or tell the person what you cannot do.`
    case 'expired':
      return `About ${about}: ${kind.expired(approval)}`
    default:
      return `About ${about}: it was not carried out: ${approval.outcome ?? ''}. Tell the person.`
  }
}

function byText({ decidedBy, decidedByName }: Approval): string {
  return decidedBy === null ? '' : ` by ${personText(decidedByName ?? '', decidedBy)}`
}

function personText(name: string, id: string): string {
  return `${quoted(name, MAX_NAME)} (${quoted(id, 100)})`
}

function timeText(at: UnixMs): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
