import type { Groups } from '../config/groups.ts'
import type { GroupConfig } from '../config/schema.ts'
import type { Notices } from '../delivery/notices.ts'
import { type AgentRequest, isAgentChat } from '../domain/agent-request.ts'
import { CreelError } from '../domain/errors.ts'
import {
  type ChatId,
  type GroupName,
  type InboundId,
  isGroupName,
  type UnixMs,
  type UserId,
} from '../domain/ids.ts'
import { leastSpeaker } from '../domain/least-rights.ts'
import type { AgentRequests } from '../domain/ports/agent-requests.ts'
import type { Mailbox } from '../domain/ports/mailbox.ts'
import type { People } from '../domain/ports/people.ts'
import type { DirectoryStore, InboundStore, RoleStore } from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import { Pump, type PumpOptions, type StepResult } from '../pump.ts'
import { answerWord } from './answer-text.ts'
import { type AskBounds, agentsOf, mayAsk } from './may-ask.ts'

export interface AgentsPorts {
  readonly requests: AgentRequests
  readonly groups: Pick<Groups, 'exists' | 'load'>
  readonly roles: Pick<RoleStore, 'roles' | 'all'>
  readonly people: Pick<People, 'find'>
  readonly inbound: Pick<InboundStore, 'find'>
  readonly directory: Pick<DirectoryStore, 'bindings'>
  readonly mailbox: Pick<Mailbox, 'put'>
  readonly notices: Pick<Notices, 'toOwner'>
  readonly events: Pick<Events, 'agentAsked' | 'agentRefused' | 'agentAnswered'>
  readonly bounds: AskBounds
  /** A message for this agent waits, or one of it was cancelled. */
  readonly nudge: (group: GroupName) => void
}

type PumpParts = Pick<PumpOptions<number>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>

/** Who asks, and for whom: from the host's own tables. */
export interface Asker {
  readonly group: GroupName
  readonly session: string
  readonly inboundId: InboundId
  readonly speaker: UserId
  readonly speakerName: string
  /** All whose messages the turn may have in it. */
  readonly speakers: readonly UserId[]
  /** The same for each try. */
  readonly key: string
}

const HOUR_MS = 3_600_000
/** A request that is not answered by then is stopped, and its asker told so. */
const DUE_MS = HOUR_MS
const SHOWN = 20
/** Of each answer, in UTF-16 units: what list_agents shows of it before all are there, or again. */
const SHOWN_ANSWER = 1_000

/** What agents ask of each other: from the request to the answer in the session that asked. */
export class Agents {
  readonly #ports: AgentsPorts & Pick<PumpParts, 'clock'>
  readonly #pump: Pump<number>

  constructor(ports: AgentsPorts, pump: PumpParts) {
    this.#ports = { ...ports, clock: pump.clock }
    this.#pump = new Pump<number>({
      ...{ ...pump, name: 'agents', maxConcurrent: 8 },
      keys: () => [
        ...ports.requests.stopping(),
        ...ports.requests.withWork((pump.clock.now() - DUE_MS) as UnixMs),
      ],
      step: (id) => {
        this.#stopTurns(id)
        return this.#answer(id)
      },
    })
  }

  /**
   * Asks another agent, in the name of who spoke. The same key again is the same request. Throws CreelError for what is
   * not allowed; the owner is told once of a bound that was reached.
   */
  ask(origin: Asker, asked: { to: string; message: string; fresh: boolean }): AgentRequest {
    const { requests, clock, events, nudge } = this.#ports
    const known = requests.byKey(origin.key)
    if (known) return known
    const to = this.#allowed(origin, asked.to)
    const { group: from, session: fromSession, inboundId: fromInbound, key } = origin
    const { id: senderId, name: senderName } = this.#inWhoseName(origin)
    const request = requests.add(
      { ...{ key, from, fromSession, fromInbound, senderId, senderName }, ...asked, to },
      clock.now(),
    )
    events.agentAsked(from, to, request.id)
    nudge(to)
    return request
  }

  #inWhoseName(asker: Asker): { id: UserId; name: string } {
    const least = leastSpeaker(asker, this.#ports)
    if (least !== null) return least
    throw new CreelError(
      'unauthorized',
      'Not sent: several people spoke in this turn, and in whose name it would be cannot be decided.',
      { hint: 'Whoever wants it must ask for it again, in a turn of their own. Say so; do not try again.' },
    )
  }

  /** The agent that is asked, when it may be. */
  #allowed({ group: from, inboundId, speakers }: Asker, name: string): GroupName {
    const { requests, roles, notices, events, bounds, clock } = this.#ports
    const lineage = requests.lineageOf(inboundId)
    if (!lineage) throw new CreelError('not_found', 'Not sent: the message that you work on is gone.')
    const to = isGroupName(name) ? name : null
    const now = clock.now()
    const verdict = mayAsk({
      ...{ from, lineage, bounds, to: name },
      asker: this.#settings(from),
      asked: to && this.#settings(to),
      roles: to ? speakers.map((user) => roles.roles(user, to)) : [],
      withinHour: to ? requests.between(from, to, (now - HOUR_MS) as UnixMs) : 0,
    })
    if (verdict.allowed && to) return to
    const reason = verdict.allowed ? 'Not sent: there is no such agent.' : verdict.reason
    events.agentRefused(from, name, reason)
    if (!verdict.allowed && verdict.bound === 'tree')
      notices.toOwner(
        `Agents were asking each other on and on: **${from}** wanted to ask **${name}**, and was stopped after ${lineage.inTree} requests that came of one message. Nothing is to be done; the bounds are \`limits.agent_requests\` and \`limits.agent_hops\` of creel.toml.`,
        `agents:${lineage.root}`,
      )
    if (!verdict.allowed && verdict.bound === 'hour')
      notices.toOwner(
        `The agent **${from}** has asked **${name}** ${bounds.perHour} times within an hour, and is stopped for a while (\`limits.agent_requests_per_hour\` of creel.toml).`,
        `agents:${from}:${name}:${Math.floor(now / HOUR_MS)}`,
      )
    throw new CreelError('invalid', reason)
  }

  /** Whom an agent may ask, and what it has asked in this conversation, newest first. */
  list({ group, session }: Pick<Asker, 'group' | 'session'>): object {
    const settings = this.#settings(group)
    const agents = agentsOf(settings).map((name) => ({ name, about: settings?.agents[name]?.about ?? '' }))
    const requests = this.#ports.requests.ofSession(group, session, SHOWN).map((one) => ({
      ...{ request: one.id, to: one.to, asked_at: new Date(one.askedAt).toISOString() },
      state: one.state === 'open' && one.finished ? 'answered, to be told when all are' : one.state,
      ...(one.answer === '' ? {} : { answer: one.answer.slice(0, SHOWN_ANSWER) }),
    }))
    return { agents, requests }
  }

  /**
   * Stops a request of this conversation, with all that came of it; one that is stopped stays so. Throws CreelError when
   * there is none to stop.
   */
  cancel({ group, session }: Pick<Asker, 'group' | 'session'>, id: number): void {
    const request = this.#ports.requests.find(id)
    if (request === null || request.from !== group || request.fromSession !== session)
      throw new CreelError('not_found', `There is no request ${id} of this conversation.`)
    if (request.state === 'told') throw new CreelError('conflict', `Request ${id} is over: you were told.`)
    this.#stop([id])
  }

  /** Stops all that agents ask of each other because of what was said in this chat. Returns how many. */
  stopFor(chat: ChatId): number {
    const open = this.#ports.requests.openFor(chat)
    this.#stop(open)
    return open.length
  }

  #stop(ids: readonly number[]): void {
    const { requests, clock } = this.#ports
    requests.cancel(ids, clock.now())
    for (const id of requests.stopping()) this.#pump.nudge(id)
  }

  /** What was ended is stopped in the inboxes that it stands in; done again after a kill in between. */
  #stopTurns(request: number): void {
    const { requests, mailbox, clock, nudge } = this.#ports
    if (!requests.stopping().includes(request)) return
    for (const { group, inboxSeq } of requests.turnsOf(request)) {
      mailbox.put(group, `cancel:${inboxSeq}`, { type: 'cancel', inboxSeq }, clock.now())
      nudge(group)
    }
    requests.stopped(request)
  }

  /** A turn of an agent was settled. */
  nudge(): void {
    this.#pump.nudgeAll()
  }

  start(): void {
    this.#pump.start()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(1_000)
  }

  /** Step of the agents pump: what was asked in one turn is answered, or late; its asker is told of all of it at once. */
  #answer(id: number): StepResult {
    const { requests, inbound, directory, events, clock, nudge } = this.#ports
    const request = requests.find(id)
    if (request === null || request.state !== 'open') return 'idle'
    const { from, fromSession, fromInbound } = request
    const all = requests.openOf(from, fromInbound)
    const origin = inbound.find(fromInbound)
    const isOwn =
      origin !== null &&
      (isAgentChat(origin.address) || directory.bindings(origin.chatId).some(({ group }) => group === from))
    const ids = all.map((one) => one.id)
    const rounds = all.map((one) => `${one.id}.${one.rounds}`)
    // What has not ended by now is told as it is, and ends: an answer that nobody waits for is not worth its cost.
    const late = all.filter(({ finished }) => !finished)
    // It was finished when it was looked for, and goes on since: a word of the owner, another agent's answer.
    if (late.length > 0 && !all.some(({ askedAt }) => askedAt < clock.now() - DUE_MS)) return 'idle'
    requests.tell(
      ids,
      isOwn
        ? {
            ...{ chatId: origin.chatId, thread: origin.address.thread, group: from, session: fromSession },
            ...{ senderId: origin.senderId, senderName: origin.senderName, after: fromInbound },
            key: `agents:${rounds.join(':')}`,
            ...answerWord(all),
          }
        : null,
      clock.now(),
      late.map((one) => one.id),
    )
    for (const one of late) this.#stopTurns(one.id)
    events.agentAnswered(from, ids)
    nudge(from)
    return 'idle'
  }

  #settings(group: GroupName): GroupConfig | null {
    const { groups } = this.#ports
    try {
      return groups.exists(group) ? groups.load(group) : null
    } catch (error) {
      // Its file cannot be read: it has nothing to say until that is mended.
      if (error instanceof CreelError) return null
      throw error
    }
  }
}
