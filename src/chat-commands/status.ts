import { elapsedText } from '../domain/elapsed-text.ts'
import type { UnixMs } from '../domain/ids.ts'
import { usageText } from '../domain/usage-text.ts'
import { startOfDay } from '../routing/local-day.ts'
import { sessionInEpoch } from '../routing/session-name.ts'
import { type ChatCommandPorts, type CommandCall, isAdmin, settingsOf } from './command.ts'

const EVER = 0 as UnixMs
/** Other agents that are named. */
const SHOWN = 5

/** `/status`: how one agent is, as its chat may know it. Other chats' use is for owners and admins. */
export function statusText(call: CommandCall, ports: ChatCommandPorts): string {
  const { group, session, roles } = call
  const { usage, choices, clock, timezone } = ports
  const name = sessionInEpoch(session, choices.of(group, session).epoch)
  const midnight = startOfDay(clock.now(), timezone)
  const lines = [
    settingsLine(call, ports),
    workLine(call, ports),
    ...agentsLine(call, ports),
    sandboxLine(call, ports),
    `This conversation: ${usageText(usage.sum(group, EVER, { session: name }))}; today ${usageText(usage.sum(group, midnight, { session: name }))}`,
  ]
  if (isAdmin(roles)) lines.push(`All chats today: ${usageText(usage.sum(group, midnight))}`)
  return lines.map((line) => `- ${line}`).join('\n')
}

function settingsLine({ group, session }: CommandCall, { groups, choices }: ChatCommandPorts): string {
  const config = settingsOf(group, groups)
  if (config === null) return `Agent **${group}**: its settings are broken; its owner can see why`
  const { model, effort } = choices.of(group, session)
  const parts = [`Agent **${group}**`, config.provider, chosen('model', model, config.model)]
  if (effort !== null || config.effort !== undefined) parts.push(chosen('effort', effort, config.effort))
  return parts.join(' · ')
}

function chosen(what: string, here: string | null, own: string | undefined): string {
  return here === null ? `${what} ${own ?? 'by default'}` : `${what} ${here} (chosen here)`
}

function workLine({ group, message }: CommandCall, { dispatches, clock, doing }: ChatCommandPorts): string {
  const { runningSince, waiting } = dispatches.activity(group, message.chatId)
  const queue = waiting === 1 ? '1 message waits' : `${waiting} messages wait`
  if (runningSince === null) return waiting === 0 ? 'Nothing is running here' : `${queue} to be begun`
  const tool = doing(group, message.chatId)
  const work = `Working for ${elapsedText(clock.now() - runningSince)}${tool === null ? '' : ` (${tool})`}`
  return waiting === 0 ? work : `${work}; ${queue}`
}

/** Whom it waits for because of what was said here: their turns are in no chat. */
function agentsLine({ group, message }: CommandCall, { requests, clock }: ChatCommandPorts): string[] {
  const open = requests.openFor(message.chatId).flatMap((id) => requests.find(id) ?? [])
  const own = open.filter(({ from }) => from === group)
  if (own.length === 0) return []
  const waits = own.slice(0, SHOWN).map(({ to, askedAt }) => `${to} (${elapsedText(clock.now() - askedAt)})`)
  const more = own.length > SHOWN ? ` and ${own.length - SHOWN} more` : ''
  return [`Waits for other agents: ${waits.join(', ')}${more}`]
}

/** What is wrong may name files and settings, so it is told to those who run the agent. */
function sandboxLine({ group, roles }: CommandCall, { sandbox }: ChatCommandPorts): string {
  const { state, problem } = sandbox(group)
  if (problem === null) return `Sandbox ${state}`
  return `Sandbox ${state}; ${isAdmin(roles) ? problem : 'it has a problem, and its owner knows'}`
}
