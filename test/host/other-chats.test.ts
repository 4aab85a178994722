import { expect, test } from 'vitest'
import { HostWorld } from '../rig/host-world.ts'

test('an agent writes into another chat of its own at once, and into no other', async () => {
  await using world = new HostWorld({ groups: { garden: {}, kitchen: {} } })
  world.bind('g', 'garden')
  world.bind('g2', 'garden')
  world.bind('k', 'kitchen')
  await world.host.start()
  const { directory, clock } = world.core
  const named = (chat: string) =>
    `${chat}-${directory.chatFor(world.channel.address(chat), 'group', chat, clock.now()).id}`
  const calls = [named('g2'), named('k'), 'g2'].map(
    (to) => `send_message {"to":"${to}","text":"from the garden"}`,
  )
  world.say('g', `/demo tool ${calls.join('\n')}\nhang`)
  await world.until(() => expect(world.shown('g2')).toEqual(['from the garden']))
  expect([...world.shown('g'), ...world.shown('k')]).toEqual([])
})
