import { z } from 'zod'
import {
  type Binding,
  ENGAGE_MODES,
  FULL_POLICIES,
  MAX_DEBOUNCE_MS,
  QUEUE_MODES,
  SENDER_POLICIES,
  SESSION_MODES,
  usualQueue,
} from '../domain/binding.ts'
import { CreelError } from '../domain/errors.ts'
import type { ChatId } from '../domain/ids.ts'
import type { ChatRow } from '../domain/ports/stores.ts'
import { DEFAULT_BINDING } from '../routing/admission.ts'
import { checkPattern } from '../routing/pattern.ts'
import { existingGroup } from './group-commands.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

/** `telegram:-100123`, the way a chat is written on the command line and in lists. */
export function chatLabel(chat: ChatRow): string {
  const { channel, account, chat: id } = chat.address
  return account === 'main' ? `${channel}:${id}` : `${channel}/${account}:${id}`
}

/** Finds a chat by its number or its label. */
export function findChat(ports: Pick<OperatorPorts, 'directory'>, text: string): ChatRow {
  const chat = /^\d+$/.test(text)
    ? ports.directory.chat(Number(text) as ChatId)
    : ports.directory.chats().find((known) => chatLabel(known) === text)
  if (chat) return chat
  throw new CreelError('not_found', `there is no chat ${text}`, {
    hint: './creel chats lists them; a chat is known from its first message on',
  })
}

function describe(ports: OperatorPorts, chat: ChatRow, bindings: readonly Binding[]) {
  return {
    chat: chat.id,
    label: chatLabel(chat),
    kind: chat.kind,
    title: chat.title,
    denied: chat.denied,
    bindings: bindings
      .filter((binding) => binding.chatId === chat.id)
      .map(({ group, engage, pattern, session, senders, queue, whenFull, debounceMs }) => ({
        group,
        engage,
        ...(pattern === undefined ? {} : { pattern }),
        session,
        senders,
        queue,
        whenFull,
        debounceMs,
        exists: ports.groups.exists(group),
      })),
  }
}

export const chatList: OperatorCommand = {
  run(ports) {
    const bindings = ports.directory.allBindings()
    return ports.directory.chats().map((chat) => describe(ports, chat, bindings))
  },
}

const BindArgs = z.object({
  chat: z.string(),
  group: z.string(),
  engage: z.enum(ENGAGE_MODES).default(DEFAULT_BINDING.engage),
  pattern: z.string().optional(),
  session: z.enum(SESSION_MODES).default(DEFAULT_BINDING.session),
  senders: z.enum(SENDER_POLICIES).default(DEFAULT_BINDING.senders),
  queue: z.enum(QUEUE_MODES).optional(),
  whenFull: z.enum(FULL_POLICIES).default('keep'),
  debounceMs: z.number().int().min(0).max(MAX_DEBOUNCE_MS).default(0),
})

export const bind: OperatorCommand = {
  run(ports, args) {
    const { chat: chatText, group: groupText, pattern, ...modes } = BindArgs.parse(args)
    if ((modes.engage === 'pattern') !== (pattern !== undefined)) {
      throw new CreelError('invalid', '--pattern goes with --engage pattern, and only with it')
    }
    if (pattern !== undefined) checkPattern(pattern)
    const chat = findChat(ports, chatText)
    const group = existingGroup(ports, groupText)
    const queue = modes.queue ?? usualQueue(chat.kind)
    const settings = { ...modes, queue, ...(pattern === undefined ? {} : { pattern }) }
    ports.directory.setDenied(chat.id, false)
    ports.directory.bind(chat.id, group, settings, ports.clock.now())
    const released = ports.inbound.release({ chatId: chat.id })
    ports.live.nudgeChat(chat.id)
    return { ...describe(ports, chat, ports.directory.bindings(chat.id)), released }
  },
}

const UnbindArgs = z.object({ chat: z.string(), group: z.string().optional() })

export const unbind: OperatorCommand = {
  run(ports, args) {
    const { chat: chatText, group } = UnbindArgs.parse(args)
    const chat = findChat(ports, chatText)
    const name = group === undefined ? null : existingGroup(ports, group)
    const removed = ports.directory.unbind(chat.id, name)
    if (removed === 0) throw new CreelError('not_found', `${chatLabel(chat)} has no such binding`)
    return { chat: chat.id, label: chatLabel(chat), removed }
  },
}
