import { expect, test } from 'vitest'
import { GARDEN, KITCHEN } from '../../test/rig/host-tables.ts'
import { RoutingWorld } from '../../test/rig/routing-world.ts'
import { userId } from '../domain/ids.ts'

test('says what who speaks is to the agent, as the tables have it, and nothing of the host itself', async () => {
  using world = new RoutingWorld()
  world.bind(world.room(), GARDEN)
  const by = (name: string) => ({ sender: { id: userId('fake', name), name: 'Owner', isBot: false } })
  const now = world.clock.now()
  world.roles.grant(userId('fake', 'olga'), 'owner', null, now)
  world.roles.grant(userId('fake', 'adam'), 'admin', GARDEN, now)
  world.roles.grant(userId('fake', 'kim'), 'admin', KITCHEN, now)
  world.roles.grant(userId('fake', 'mia'), 'member', GARDEN, now)
  for (const name of ['olga', 'adam', 'kim', 'mia', 'stranger']) world.give(GARDEN, name, by(name))
  const word = { chatId: world.room(), thread: undefined, key: 'w', group: GARDEN, session: 's' }
  const whose = { senderId: userId('fake', 'olga'), senderName: 'Olga', text: 'it was allowed' }
  world.inbound.tell({ ...word, ...whose }, now)
  await world.dispatch()
  expect(world.mail().map(({ text, role }) => [text, role])).toEqual([
    ['olga', 'owner'],
    ['adam', 'admin'],
    ['kim', undefined],
    ['mia', 'member'],
    ['stranger', undefined],
    ['it was allowed', undefined],
  ])
})
