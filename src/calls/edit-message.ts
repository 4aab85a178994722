import * as z from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { CallOrigin } from '../domain/host-call.ts'
import type { OwnMessage } from '../domain/ports/chat-messages.ts'
import { type CallHandler, callHandler } from './call-handler.ts'
import { type ChatPorts, channelAt, onPlatform } from './chat-ports.ts'

const Args = z.strictObject({ message: z.string().min(2).max(130), text: z.string().min(1).max(20_000) })

/** How long a message may still be on its way to the platform, and how often that is looked at. */
const ON_ITS_WAY_MS = 6_000
const LOOK_MS = 100

/** Puts another text in the place of a message that this agent sent, in a chat that is still its own. */
export function editMessage(ports: ChatPorts): CallHandler {
  return callHandler(Args, async ({ message, text }, origin) => {
    const own = await sentMessage(message, origin, ports)
    if (own.file || own.inParts)
      throw new CreelError('invalid', 'Not done: only a text that is one message can be changed.', {
        hint: 'Send a new one.',
      })
    const channel = channelAt(ports, own.address)
    const { cards } = channel
    if (!cards)
      throw new CreelError('invalid', `Not done: a ${channel.name} chat cannot change what was sent.`, {
        hint: 'Send a new message that says what is different.',
      })
    const [part, ...more] = channel.render(text)
    if (part === undefined || more.length > 0)
      throw new CreelError('invalid', 'Not done: the text does not fit into one message.', {
        hint: 'Make it shorter, or send a new one.',
      })
    await onPlatform((signal) => cards.settle(own.address, own.platformMessageId ?? '', text, signal))
    ports.messages.changed(own.id, part)
    return 'Changed.'
  })
}

async function sentMessage(handle: string, { group }: CallOrigin, ports: ChatPorts): Promise<OwnMessage> {
  const { messages, directory, clock } = ports
  const until = clock.now() + ON_ITS_WAY_MS
  for (;;) {
    const own = messages.find(group, handle)
    if (!own || !directory.bindings(own.chatId).some((binding) => binding.group === group))
      throw new CreelError('not_found', `Not done: there is no message "${handle}" of yours.`, {
        hint: 'Take the handle that send_message, send_card or read_history gave you.',
      })
    if (own.state === 'failed')
      throw new CreelError('invalid', `Not done: that message was never sent (${own.reason ?? 'unknown'}).`)
    if (own.state === 'accepted' || own.state === 'confirmed') return own
    if (clock.now() >= until)
      throw new CreelError('unavailable', 'Not done: that message is not sent yet.', {
        hint: 'Try again later.',
      })
    await clock.sleep(LOOK_MS, new AbortController().signal)
  }
}
