import { z } from 'zod'
import { settingsOf } from '../chat-commands/command.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName, UserId } from '../domain/ids.ts'
import type { ChatRow } from '../domain/ports/stores.ts'
import type { Task } from '../domain/task.ts'
import { nextRun } from '../schedule/task-schedule.ts'
import { changeState } from '../tasks/change-state.ts'
import { distillPlan } from '../tasks/distill-plan.ts'
import { taskView } from '../tasks/task-view.ts'
import { findChat } from './chat-commands.ts'
import { existingGroup } from './group-commands.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

const MAX_LISTED = 1_000

const Args = z.object({
  group: z.string(),
  /** `03:30`, `off`, or left out to be told how it is. */
  at: z
    .string()
    .regex(/^(?:off|(?:[01]?\d|2[0-3]):[0-5]\d)$/, 'expected a time such as 03:30, or off')
    .optional(),
  chat: z.string().optional(),
  tell: z.boolean().default(false),
  /** Of the machine. */
  zone: z.string(),
})

/** Has an agent tidy its memory each night: an ordinary task, changed when there is one, ended by `off`. */
export const memoryDistill: OperatorCommand = {
  run(ports, args) {
    const { group: name, at, chat, tell, zone: usual } = Args.parse(args)
    const group = existingGroup(ports, name)
    const standing = ports.tasks.list({ group, open: true }, MAX_LISTED).find(({ afterTalk }) => afterTalk)
    if (at === undefined) return view(standing, ports)
    if (at === 'off') {
      if (standing) changeState(standing, 'cancelled', ports)
      return null
    }
    const [owner, ownerName] = ownerOf(ports)
    const zone = ports.people.zone(owner) ?? settingsOf(group, ports.groups)?.timezone ?? usual
    const [hour = 0, minute = 0] = at.split(':').map(Number)
    const plan = distillPlan({ hour, minute, zone, tell })
    const now = ports.clock.now()
    const due = nextRun(plan, now)
    const place = chat === undefined ? undefined : boundChat(findChat(ports, chat), group, ports)
    if (standing && (place === undefined || place.id === standing.chatId)) {
      ports.tasks.change(standing.id, plan, standing.state === 'paused' ? standing.due : due)
      return view(ports.tasks.find(standing.id) ?? standing, ports)
    }
    if (standing) changeState(standing, 'cancelled', ports)
    const made = ports.tasks.add({
      ...{ ...plan, key: `distill:${group}:${now}`, group, thread: undefined, due, createdAt: now },
      ...{ chatId: (place ?? quietChat(group, ports)).id, afterTalk: true },
      ...{ createdBy: owner, createdByName: ownerName },
    })
    return view(made, ports)
  },
}

function view(task: Task | undefined, { directory, clock }: OperatorPorts) {
  return task === undefined ? null : taskView(task, { directory, now: clock.now() })
}

/** It runs with the rights of whoever owns this install. */
function ownerOf({ roles }: OperatorPorts): readonly [UserId, string] {
  const owner = roles.all().find(({ role }) => role === 'owner')
  if (!owner)
    throw new CreelError('conflict', 'there is no owner yet', { hint: './creel link, or ./creel users pair' })
  return [owner.user, owner.name || 'the owner']
}

function boundChat(chat: ChatRow, group: GroupName, { directory }: OperatorPorts): ChatRow {
  if (directory.bindings(chat.id).some((binding) => binding.group === group)) return chat
  throw new CreelError('invalid', `that chat is not bound to ${group}`, { hint: './creel chats' })
}

/** Where the least people are disturbed: what is said on this machine, else in private. */
function quietChat(group: GroupName, { directory }: OperatorPorts): ChatRow {
  const chats = directory
    .allBindings()
    .flatMap((binding) => (binding.group === group ? (directory.chat(binding.chatId) ?? []) : []))
    .filter(({ kind, denied }) => kind === 'private' && !denied)
  const rank = ({ address }: ChatRow) => ['web', 'terminal'].indexOf(address.channel)
  const [best] = chats.sort((a, b) => rank(b) - rank(a) || a.id - b.id)
  if (best) return best
  throw new CreelError('conflict', `no private chat is bound to ${group} yet`, {
    hint: 'write to it once (./creel chat), or name another chat with --chat',
  })
}
