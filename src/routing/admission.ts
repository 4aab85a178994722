import type { Notices } from '../delivery/notices.ts'
import { usualQueue } from '../domain/binding.ts'
import { CreelError } from '../domain/errors.ts'
import type { ChatId, GroupName, InboundId } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PairingCodes } from '../domain/ports/pairing.ts'
import type {
  BindingSettings,
  DirectoryStore,
  InboundRow,
  InboundStore,
  RoleStore,
} from '../domain/ports/stores.ts'
import { takePairingCode } from './pairing.ts'

export interface AdmissionPorts {
  readonly inbound: InboundStore
  readonly directory: DirectoryStore
  readonly roles: RoleStore
  readonly pairings: PairingCodes
  readonly notices: Notices
  readonly clock: Clock
  /** The agent that a newly let in chat gets when none is named. */
  readonly defaultGroup: () => GroupName | null
  readonly nudge: (chatId: ChatId) => void
}

/** `c<chat>` = this chat, `s<message>` = the sender of this held message. */
const CODE = /^([cs])(\d{1,15})$/
const OWNER_COMMAND = /^\/(allow|deny)\s+([cs]\d{1,15})\s*$/

/** Who is let in: asks the owner, takes the owner's answer from a chat or from the command line. */
export class Admission {
  readonly #ports: AdmissionPorts

  constructor(ports: AdmissionPorts) {
    this.#ports = ports
  }

  /** Tells the owner, once per chat or sender, that somebody waits; and the one who waits, that they do. */
  ask(message: InboundRow, reason: string): void {
    const { notices } = this.#ports
    const unknownChat = reason === 'unknown chat'
    const code = unknownChat ? `c${message.chatId}` : `s${message.id}`
    const place = message.chatKind === 'private' ? 'a private chat' : `the group “${message.chatTitle}”`
    const who = `${message.senderName} (\`${message.senderId}\`)`
    const what = unknownChat ? 'No agent answers that chat yet.' : 'They are not let in yet.'
    const key = unknownChat ? `ask:c${message.chatId}` : `ask:${message.senderId}:${message.chatId}`
    notices.toOwner(
      `${who} wrote to the agent in ${place} on ${message.address.channel}. ${what} ` +
        `Their messages wait.\n\nLet them in: \`/allow ${code}\`\nRefuse: \`/deny ${code}\``,
      key,
    )
    notices.toChat(
      message.chatId,
      message.address.thread,
      'I may not answer here yet. Your message is kept until my owner lets me.',
      key,
    )
  }

  /**
   * Carries out `/allow` or `/deny` when the owner typed it in a chat; false when the message is something else.
   * Anybody else's is an ordinary message.
   */
  handleOwnerCommand(message: InboundRow): boolean {
    const match = OWNER_COMMAND.exec(message.text.trim())
    if (!match || !this.#ports.roles.isOwner(message.senderId)) return false
    const [, verb, code = ''] = match
    let answer: string
    try {
      answer = verb === 'allow' ? this.allow(code, null) : this.deny(code)
    } catch (error) {
      if (!(error instanceof CreelError)) throw error
      answer = error.message
    }
    this.#ports.notices.toChat(message.chatId, message.address.thread, answer, `command:${message.id}`)
    return true
  }

  /** Takes a pairing code, right or wrong; false when the message is something else. */
  handlePairing(message: InboundRow): boolean {
    const isCode = takePairingCode(message, { ...this.#ports, binding: DEFAULT_BINDING })
    if (isCode) this.#wake()
    return isCode
  }

  /** Lets a chat or sender in; what they wrote meanwhile is answered now. Returns a sentence for the owner. */
  allow(code: string, group: GroupName | null): string {
    const target = this.#find(code)
    const { inbound, directory, roles, clock } = this.#ports
    if ('sender' in target) {
      const groups = group ? [group] : directory.bindings(target.sender.chatId).map((b) => b.group)
      for (const name of groups) {
        roles.revoke(target.sender.senderId, 'denied', name)
        roles.grant(target.sender.senderId, 'member', name, clock.now())
      }
      const count = inbound.release({ senderId: target.sender.senderId })
      this.#wake()
      return `${target.sender.senderName} is let in; ${waiting(count)}.`
    }
    const name = group ?? this.#ports.defaultGroup()
    if (name === null) {
      throw new CreelError('not_found', 'there is no agent to answer that chat', {
        hint: './creel group add main',
      })
    }
    const { chatId, kind, title } = target
    directory.setDenied(chatId, false)
    directory.bind(chatId, name, { ...DEFAULT_BINDING, queue: usualQueue(kind) }, clock.now())
    for (const held of inbound.held().filter((row) => row.chatId === chatId)) {
      roles.grant(held.senderId, 'member', name, clock.now())
    }
    const count = inbound.release({ chatId })
    this.#wake()
    return `${kind === 'private' ? 'The chat' : `“${title}”`} is answered by ${name} now; ${waiting(count)}.`
  }

  /** Refuses a chat or sender for good; what they wrote is dropped. Returns a sentence for the owner. */
  deny(code: string): string {
    const target = this.#find(code)
    const { inbound, directory, roles, clock } = this.#ports
    if ('sender' in target) {
      for (const { group } of directory.bindings(target.sender.chatId)) {
        roles.grant(target.sender.senderId, 'denied', group, clock.now())
      }
      const count = inbound.dropHeld({ senderId: target.sender.senderId }, 'the owner refused this sender')
      return `${target.sender.senderName} is refused; ${dropped(count)}.`
    }
    directory.setDenied(target.chatId, true)
    const count = inbound.dropHeld({ chatId: target.chatId }, 'the owner refused this chat')
    return `The chat is refused; ${dropped(count)}.`
  }

  #find(code: string): { sender: InboundRow } | { chatId: ChatId; kind: 'private' | 'group'; title: string } {
    const match = CODE.exec(code)
    const id = Number(match?.[2])
    if (match?.[1] === 's') {
      const sender = this.#ports.inbound.find(id as InboundId)
      if (sender) return { sender }
    }
    if (match?.[1] === 'c') {
      const chat = this.#ports.directory.chat(id as ChatId)
      if (chat) return { chatId: chat.id, kind: chat.kind, title: chat.title }
    }
    throw new CreelError('not_found', `nobody waits under the code ${code}`, {
      hint: './creel waiting lists who waits, with their codes',
    })
  }

  #wake(): void {
    for (const chatId of this.#ports.inbound.chatsWithNew()) this.#ports.nudge(chatId)
  }
}

/** A chat that was let in: spoken to by name, one conversation, strangers are asked about. */
export const DEFAULT_BINDING: Omit<BindingSettings, 'queue'> = {
  engage: 'mention',
  session: 'shared',
  senders: 'ask',
}

function waiting(count: number): string {
  if (count === 0) return 'nothing was waiting'
  return count === 1
    ? 'the waiting message is being answered'
    : `${count} waiting messages are being answered`
}

function dropped(count: number): string {
  return count === 1 ? '1 waiting message was dropped' : `${count} waiting messages were dropped`
}
