import { z } from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { DeliveryId, GroupName, InboundId, UnixMs } from '../domain/ids.ts'
import type { DeliveryFilter, DeliveryLine, DroppedLine, TurnLine } from '../domain/ports/relay-log.ts'
import { chatLabel, findChat } from './chat-commands.ts'
import { groupName } from './group-commands.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

const DELIVERY_STATES = [
  'queued',
  'sending',
  'unknown_after_send',
  'accepted',
  'confirmed',
  'failed',
] as const
const Id = z.number().int().positive()
const Limit = z.number().int().min(1).max(10_000).default(50)

const Which = z.strictObject({
  ids: z.array(Id).max(10_000).optional(),
  chat: z.string().optional(),
  state: z.enum(DELIVERY_STATES).optional(),
  /** At least so old. */
  olderMs: z.number().int().nonnegative().optional(),
})

const ListArgs = Which.extend({ limit: Limit })

export const deliveryList: OperatorCommand = {
  run(ports, args) {
    const { limit, ...which } = ListArgs.parse(args)
    return ports.deliveryLog.list(toFilter(ports, which), limit).map(toLine)
  },
}

export const deliveryRetry: OperatorCommand = {
  run(ports, args) {
    const chats = ports.deliveryLog.retry(toFilter(ports, Which.parse(args)), ports.clock.now())
    for (const chat of new Set(chats)) ports.live.nudgeDelivery(chat)
    return { retried: chats.length }
  },
}

export const deliveryDrop: OperatorCommand = {
  run(ports, args) {
    const filter = toFilter(ports, Which.parse(args))
    return { dropped: ports.deliveryLog.drop(filter, 'dropped by the operator') }
  },
}

function toFilter(ports: OperatorPorts, which: z.infer<typeof Which>): DeliveryFilter {
  const { ids, chat, state, olderMs } = which
  return {
    ...(ids === undefined ? {} : { ids: ids as DeliveryId[] }),
    ...(chat === undefined ? {} : { chatId: findChat(ports, chat).id }),
    ...(state === undefined ? {} : { state }),
    ...(olderMs === undefined ? {} : { before: (ports.clock.now() - olderMs) as UnixMs }),
  }
}

function toLine({ chat, ...line }: DeliveryLine) {
  return { ...line, chat: chatLabel(chat) }
}

const TurnListArgs = z.strictObject({
  group: z.string().optional(),
  /** `dropped`: given to no agent. */
  state: z.enum(['open', 'done', 'failed', 'cancelled', 'dropped']).optional(),
  limit: Limit,
})

export const turnList: OperatorCommand = {
  run(ports, args) {
    const { group, state, limit } = TurnListArgs.parse(args)
    const dropped =
      group === undefined && (state === undefined || state === 'dropped') ? ports.turnLog.dropped(limit) : []
    if (state === 'dropped') return dropped.map(toDropped)
    const filter = { ...(group ? { group: groupName(group) } : {}), ...(state ? { state } : {}) }
    const given = ports.turnLog.list(filter, limit).map(toTurn)
    return [...given, ...dropped.map(toDropped)].sort((one, other) => other.id - one.id).slice(0, limit)
  },
}

const TurnArgs = z.strictObject({ id: Id, group: z.string().optional() })

export const turnShow: OperatorCommand = {
  run(ports, args) {
    const turn = findTurn(ports, TurnArgs.parse(args))
    const details = ports.turnLog.details(turn.group, turn.id)
    return { ...toTurn(turn), text: details?.text ?? '', deliveries: (details?.deliveries ?? []).map(toLine) }
  },
}

export const turnRetry: OperatorCommand = {
  run(ports, args) {
    const turn = findTurn(ports, TurnArgs.parse(args))
    if (!ports.turnLog.retry(turn.group, turn.id)) {
      throw new CreelError('conflict', `message ${turn.id} of ${turn.group} is ${turn.state}`, {
        hint: 'only one that failed or was cancelled can be given again',
      })
    }
    ports.live.nudgeGroup(turn.group)
    return { id: turn.id, group: turn.group }
  },
}

/** A message may have gone to several agents: then the group must be said. */
function findTurn(ports: OperatorPorts, { id, group }: z.infer<typeof TurnArgs>): TurnLine {
  const name: GroupName | undefined = group === undefined ? undefined : groupName(group)
  const found = ports.turnLog.list({ id: id as InboundId, ...(name ? { group: name } : {}) }, 100)
  const [turn, another] = found
  if (!turn) {
    throw new CreelError('not_found', `no agent was given a message ${id}${group ? ` in ${group}` : ''}`, {
      hint: './creel turns list shows the numbers',
    })
  }
  if (another) {
    const groups = found.map((line) => line.group).join(', ')
    throw new CreelError('invalid', `message ${id} went to several agents (${groups})`, {
      hint: 'add --group',
    })
  }
  return turn
}

function toDropped({ chat, ...line }: DroppedLine) {
  return { ...line, chat: chatLabel(chat), group: null, state: 'dropped' as const, attempts: 0, retries: 0 }
}

function toTurn({ chat, ...turn }: TurnLine) {
  return { ...turn, chat: chatLabel(chat) }
}
