import { z } from 'zod'
import { CreelError } from '../domain/errors.ts'
import { chatLabel } from './chat-commands.ts'
import { existingGroup } from './group-commands.ts'
import type { OperatorCommand } from './ports.ts'

const Bot = z.object({
  channel: z
    .string()
    .regex(/^[a-z]{1,30}$/)
    .default('telegram'),
  account: z
    .string()
    .regex(/^[a-z0-9-]{1,30}$/)
    .default('main'),
})
const StartArgs = Bot.extend({ group: z.string().optional() })

/** Makes a pairing code for a bot; whoever sends it to the bot in a private chat becomes an owner. */
export const pairStart: OperatorCommand = {
  run(ports, args) {
    const { channel, account, group } = StartArgs.parse(args)
    const name = group === undefined ? null : existingGroup(ports, group)
    const channels = ports.live.channels()
    if (
      ports.live.running() &&
      !channels.some((known) => known.name === channel && known.account === account)
    )
      throw new CreelError('not_found', `Creel runs without the channel ${channel}/${account}`, {
        hint: 'creel setup --only channel connects a bot; a change of creel.toml counts from the next start',
      })
    return ports.pairings.create({ channel, account }, name, ports.clock.now())
  },
}

/** Whether the code of a bot was used, and by whom. */
export const pairState: OperatorCommand = {
  run(ports, args) {
    const found = ports.pairings.state(Bot.parse(args), ports.clock.now())
    if (found.state !== 'paired') return found
    const chat = ports.directory.chat(found.chatId)
    return {
      ...{ state: found.state, user: found.user, chat: chat === null ? null : chatLabel(chat) },
      group: ports.directory.bindings(found.chatId)[0]?.group ?? null,
    }
  },
}
