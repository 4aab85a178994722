import type { Notices } from '../delivery/notices.ts'
import { usualQueue } from '../domain/binding.ts'
import type { GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PairingCodes } from '../domain/ports/pairing.ts'
import type {
  BindingSettings,
  DirectoryStore,
  InboundRow,
  InboundStore,
  RoleStore,
} from '../domain/ports/stores.ts'

export interface PairingPorts {
  readonly pairings: PairingCodes
  readonly inbound: Pick<InboundStore, 'release'>
  readonly directory: DirectoryStore
  readonly roles: RoleStore
  readonly notices: Notices
  readonly clock: Clock
  readonly defaultGroup: () => GroupName | null
  /** How a chat is answered that was let in. */
  readonly binding: Omit<BindingSettings, 'queue'>
}

/** With a command before it, as a link to a bot gives it, the dash may be left out; alone it must look like nothing else. */
const WITH_COMMAND = /^\/(?:start|pair)(?:@\w{1,64})?\s+([0-9a-z]{4}-?[0-9a-z]{4})$/i
const ALONE = /^([0-9a-z]{4}-[0-9a-z]{4})$/i

/** What looks like a pairing code; null for any other text. */
export function typedCode(text: string): string | null {
  const trimmed = text.trim()
  return (WITH_COMMAND.exec(trimmed) ?? ALONE.exec(trimmed))?.[1] ?? null
}

/**
 * Takes a pairing code while one stands: whoever sends the right one in a private chat is an owner from then on. True when
 * the message was dealt with, right or wrong; it goes to no agent. Doing it again for one message changes nothing.
 */
export function takePairingCode(message: InboundRow, ports: PairingPorts): boolean {
  const code = message.senderIsBot ? null : typedCode(message.text)
  if (code === null) return false
  const { channel, account } = message.address
  const before = ports.roles.ownerChats()
  const outcome = ports.pairings.redeem(
    {
      ...{ channel, account, code, chatId: message.chatId, sender: message.senderId },
      isPrivate: message.chatKind === 'private',
    },
    ports.clock.now(),
  )
  const answer = (text: string) =>
    ports.notices.toChat(message.chatId, message.address.thread, text, `pairing:${message.id}`)
  switch (outcome.state) {
    case 'none':
      return false
    case 'blocked':
      return true
    case 'wrong':
      answer('That is not the code, or it is over. `./creel users pair` shows a new one.')
      return true
    case 'shown':
      answer('A pairing code belongs into a private chat. This one is void now: make a new one.')
      return true
    case 'paired':
      answer(welcome(message, outcome.group ?? ports.defaultGroup(), ports))
      for (const chat of before.filter(({ id }) => id !== message.chatId).slice(0, 3))
        ports.notices.toChat(
          chat.id,
          undefined,
          `${message.senderName} (\`${message.senderId}\`) is an owner now, by a pairing code.`,
          `paired:${message.id}`,
        )
      return true
  }
}

/** The agent that answers this chat now; the new owner is told. */
function welcome(message: InboundRow, group: GroupName | null, ports: PairingPorts): string {
  const { directory, roles, inbound, clock, binding } = ports
  const { chatId, senderId } = message
  directory.setDenied(chatId, false)
  for (const bound of directory.bindings(chatId)) roles.revoke(senderId, 'denied', bound.group)
  const isBound = directory.bindings(chatId).length > 0
  if (group !== null && !isBound)
    directory.bind(chatId, group, { ...binding, queue: usualQueue(message.chatKind) }, clock.now())
  inbound.release({ chatId })
  const [answering] = directory.bindings(chatId)
  const next =
    answering === undefined
      ? 'No agent answers here yet.'
      : `The agent **${answering.group}** answers here: say something.`
  return `You are the owner of this Creel now. ${next}`
}
