import * as z from 'zod'
import { CreelError } from '../domain/errors.ts'
import { type CallHandler, callHandler } from './call-handler.ts'
import { type ChatPorts, channelAt, onPlatform } from './chat-ports.ts'

const Args = z.strictObject({ emoji: z.string().min(1).max(20) })

/** Answers the message that the turn is about with one emoji, in its own chat. */
export function addReaction(ports: ChatPorts): CallHandler {
  return callHandler(Args, async ({ emoji }, { chatId, thread, inboundId }) => {
    const chat = ports.directory.chat(chatId)
    const platformId = ports.messages.platformIdOf(inboundId)
    if (!chat || platformId === null)
      throw new CreelError('invalid', 'Not done: this turn was not begun by a message of a person.')
    const address = thread === undefined ? chat.address : { ...chat.address, thread }
    const { name, reactions } = channelAt(ports, address)
    if (!reactions)
      throw new CreelError('invalid', `Not done: a ${name} chat has no reactions.`, {
        hint: 'Say it in words.',
      })
    if (!reactions.takes(emoji))
      throw new CreelError('invalid', `Not done: ${name} does not take this as a reaction.`, {
        hint: `It takes one of: ${reactions.examples.join(' ')}`,
      })
    await onPlatform((signal) => reactions.react(address, platformId, emoji, signal))
    return `Reacted with ${emoji}.`
  })
}
