// Composition of what comes in: the channels' messages on their way to the groups that are to answer them.
import type { Channels } from './channels.ts'
import type { Core } from './core.ts'
import type { ChatId, GroupName } from './domain/ids.ts'
import type { Log } from './log.ts'
import { Pump, type PumpOptions } from './pump.ts'
import { Bounds } from './routing/bounds.ts'
import { Intakes } from './routing/intakes.ts'
import { type RoutingPorts, routeNext } from './routing/routing.ts'

export interface InboundParts {
  readonly intakes: Intakes
  readonly routing: Pump<ChatId>
}

type Given = Pick<RoutingPorts, 'admission' | 'commands' | 'decisions' | 'events' | 'notices'> & {
  readonly channels: Channels
  readonly log: Log
  /** A message of this chat is for this group. */
  readonly nudge: (group: GroupName, chatId: ChatId) => void
}

/** Both begin when they are started: first the routing, then the intakes. */
export function inboundParts(
  core: Core,
  { nudge, channels, log, ...given }: Given,
  pump: Omit<PumpOptions<ChatId>, 'name' | 'keys' | 'step'>,
): InboundParts {
  const { inbound, waiting, attachments, directory, roles, clock, defaultGroup } = core
  const { config } = core.install
  const { events, notices } = given
  const bounds = new Bounds({ waiting, roles, notices }, config)
  const routing = new Pump<ChatId>({
    ...pump,
    name: 'routing',
    within: (work, again) => core.commits.run(work, again),
    keys: () => inbound.chatsWithNew(),
    step: (chatId) =>
      routeNext(chatId, {
        ...{ inbound, waiting, attachments, directory, roles, bounds, clock, defaultGroup },
        ...given,
        unknownChats: config.chats.unknown,
        nudge: (group) => nudge(group, chatId),
      }),
  })
  const intakes = new Intakes({
    ...{ inbound, waiting, events, clock, channels, notices, log },
    nudge: (chatId) => routing.nudge(chatId),
  })
  return { intakes, routing }
}
