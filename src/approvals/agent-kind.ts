import { z } from 'zod'
import type { Groups } from '../config/groups.ts'
import { type GroupConfig, PROVIDER_SERVICES } from '../config/schema.ts'
import { CreelError } from '../domain/errors.ts'
import { type GroupName, isGroupName } from '../domain/ids.ts'
import { cleanText } from '../markdown/clean-text.ts'
import type { ApprovalKind, AskedFor } from './approval-kind.ts'
import { quoted } from './quoted.ts'

const OPEN_MS = 24 * 3_600_000
const MAX_LINE = 400
const MAX_ABOUT = 200
/** Agents of one install that agents may bring it to. */
const MAX_AGENTS = 50

const Payload = z.strictObject({ name: z.string(), about: z.string(), instructions: z.string() })
/** What of it is there even when nobody was asked. */
const Named = z.object({ name: z.string() })

export interface AgentKindPorts {
  readonly groups: Pick<Groups, 'exists' | 'isTaken' | 'names' | 'load' | 'instructions' | 'add' | 'letAsk'>
  /** Gives the new one its own chats. Idempotent. */
  readonly made: () => void
}

/**
 * A new agent, made by another one. It gets what it needs to run, taken from the settings of the one that asks: provider,
 * model, limits, and the key of its model's service. No other secret, no host, no tool server, no chat but its own.
 */
export function agentKind({ groups, made }: AgentKindPorts): ApprovalKind {
  return {
    name: 'agent',
    decides: 'owner',
    read(group, ask) {
      if (ask.kind !== 'agent') throw new Error(`an ask of kind ${ask.kind}`)
      const name = ask.name.trim()
      if (!isGroupName(name))
        return no('A name is a-z, 0-9 and -, begins with a letter and has at most 31 characters.')
      if (groups.exists(name)) return no(`There is an agent ${name} already, or another one of that name.`)
      // The owner decides on what is shown: nothing else may be there already when it begins.
      if (groups.isTaken(name)) return no(`${taken(name)}.`)
      if (groups.names().length >= MAX_AGENTS) return no(`There are ${MAX_AGENTS} agents already.`)
      return readAsk(group, name, ask.about, ask.instructions)
    },
    carryOut(approval) {
      const { name, about, instructions } = Payload.parse(JSON.parse(approval.payload))
      if (!isGroupName(name)) throw new CreelError('invalid', 'it is no name of an agent')
      const { group } = approval
      if (!groups.exists(group)) throw new CreelError('not_found', `there is no agent ${group} any more`)
      const text = `${instructions}\n`
      // Killed while it was made or right after, the host does it again: what has these very words is that one.
      if (!groups.exists(name)) {
        if (groups.isTaken(name, text)) throw new CreelError('conflict', taken(name))
        groups.add(name, settingsOf(group, groups.load(group)), text)
      } else if (groups.instructions(name).text !== text)
        throw new CreelError('conflict', `there is an agent ${name} by now`)
      groups.letAsk(group, name, about)
      made()
      return `The agent ${name} is there: send_to_agent reaches it.`
    },
    about: ({ payload }) =>
      `your request for a new agent ${quoted(Named.parse(JSON.parse(payload)).name, 40)}`,
    expired: () => 'Nobody decided in time, which counts as a no. Go on without it.',
  }
}

function taken(name: GroupName): string {
  return `the name ${name} is taken by what is left of an agent: choose another name`
}

function readAsk(group: GroupName, name: GroupName, aboutText: string, text: string): AskedFor {
  // What is shown is what is written: each line as its card has it.
  const lines = cleanText(text).trim().split('\n').map(shownLine)
  const about = shownLine(aboutText).slice(0, MAX_ABOUT)
  if (lines.every((line) => line === '')) return no('It needs instructions: who it is and what it does.')
  if (
    cleanText(text)
      .split('\n')
      .some((line) => line.length > MAX_LINE)
  )
    return no(`A line of the instructions is longer than ${MAX_LINE} characters; break it into several.`)
  return {
    payload: { name, about, instructions: lines.join('\n') },
    what: [
      `wants to make a new agent, ${quoted(name, 40)}, which it may ask and which works for those it works for.`,
      `It would have provider, model and limits of **${group}**, and the key of its model's service; no other secret, no way out, no tool servers.`,
      '',
      `What it is for: ${quoted(about, MAX_ABOUT)}`,
      '',
      'Its instructions, whole:',
      '',
      ...lines.map((line) => (line === '' ? '' : quoted(line, MAX_LINE))),
    ].join('\n'),
    choices: [
      { id: 'make', label: 'Make it', allows: true },
      { id: 'deny', label: 'Deny', allows: false },
    ],
    openMs: OPEN_MS,
  }
}

/** Without what a card cannot show as it is. */
function shownLine(line: string): string {
  const shown = quoted(line, MAX_LINE)
  return shown.startsWith('`') ? shown.slice(1, -1) : ''
}

/** What the new one gets of the settings of the one that asks; whom it hears is that one alone. */
function settingsOf(
  group: GroupName,
  { provider, model, effort, limits, secrets }: GroupConfig,
): Partial<GroupConfig> {
  const services = PROVIDER_SERVICES[provider] ?? []
  return {
    provider,
    ...(model === undefined ? {} : { model }),
    ...(effort === undefined ? {} : { effort }),
    limits,
    ...(secrets === undefined
      ? {}
      : { secrets: secrets.filter((name) => services.some((service) => name.startsWith(`${service}/`))) }),
    skills: [],
    egress: [],
    agents: { [group]: { send: false, hear: 'anyone', about: '' } },
  }
}

function no(outcome: string): AskedFor {
  return { settled: 'denied', outcome }
}
