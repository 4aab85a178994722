import { isAgentChat } from '../domain/agent-request.ts'
import type { ChatId } from '../domain/ids.ts'
import type { AgentRequests } from '../domain/ports/agent-requests.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  ChatRow,
  DeliveryStore,
  DirectoryStore,
  NewDelivery,
  RoleStore,
} from '../domain/ports/stores.ts'

export interface NoticePorts {
  readonly deliveries: Pick<DeliveryStore, 'add'>
  readonly directory: Pick<DirectoryStore, 'chat'>
  readonly roles: Pick<RoleStore, 'ownerChats'>
  /** Left out where no agents ask each other. */
  readonly homeOf?: AgentRequests['homeOf']
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly clock: Clock
  readonly nudge: (chatId: ChatId) => void
}

/** What the host itself says in a chat: never silent (I15), never twice for the same key. */
export class Notices {
  readonly #ports: NoticePorts

  constructor(ports: NoticePorts) {
    this.#ports = ports
  }

  /** To the chat, in the thread, of an inbound message. The same `key` again is a no-op. */
  toChat(chatId: ChatId, thread: string | undefined, markdown: string, key: string): void {
    const chat = this.#ports.directory.chat(chatId)
    if (!chat) return
    if (!isAgentChat(chat.address)) this.#add(chat, thread, markdown, `notice:${key}:${chatId}`)
    else this.#toHome(chatId, markdown, `notice:${key}:${chatId}`)
  }

  /** What is to be said in a conversation of two agents is said to the person for whom they work. */
  #toHome(chatId: ChatId, markdown: string, key: string): void {
    const home = this.#ports.homeOf?.(chatId)
    const chat = home ? this.#ports.directory.chat(home.chatId) : null
    if (home && chat)
      this.#add(
        chat,
        home.thread,
        `About the agent **${home.to}**, which was asked for you: ${markdown}`,
        key,
      )
  }

  /**
   * To wherever the owner talks to us in private, away from the channel `notOn` (`name/account`) if there is such a
   * place. With nobody to tell, it waits for `./creel status`.
   */
  toOwner(markdown: string, key: string, notOn?: string): void {
    const chats = this.#ports.roles.ownerChats()
    const chat = chats.find(({ address }) => `${address.channel}/${address.account}` !== notOn) ?? chats[0]
    if (chat) this.#add(chat, undefined, markdown, `notice:${key}:owner`)
  }

  #add(chat: ChatRow, thread: string | undefined, markdown: string, key: string): void {
    const { deliveries, channelOf, clock, nudge } = this.#ports
    const channel = channelOf(chat.address.channel, chat.address.account)
    const parts = renderParts(channel, markdown)
    deliveries.add(
      parts.map((part, index) => ({
        chatId: chat.id,
        thread,
        part,
        key: `${key}:${index}`,
        group: null,
        ...failedWithout(channel, chat.address.channel, chat.address.account),
      })),
      clock.now(),
    )
    nudge(chat.id)
  }
}

/** The parts of a text on its channel; the text itself when the channel is not configured any more. */
export function renderParts(channel: Channel | undefined, markdown: string): readonly string[] {
  return channel ? channel.render(markdown) : [markdown]
}

/** No channel is a failure with a reason, never a success. Sent later by hand, its text is rendered then. */
export function failedWithout(
  channel: Channel | undefined,
  name: string,
  account: string,
): Pick<NewDelivery, 'failed' | 'unrendered'> {
  return channel ? {} : { failed: `the channel ${name}/${account} is not configured`, unrendered: true }
}
