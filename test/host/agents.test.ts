import { afterEach, beforeEach, expect, test } from 'vitest'
import { readChoicePart } from '../../src/domain/choice-part.ts'
import { type GroupName, userId } from '../../src/domain/ids.ts'
import { HostWorld } from '../rig/host-world.ts'

const OWNER = { id: userId('fake', 'olga'), name: 'Olga', isBot: false }
const BOTH = { provider: 'demo', concurrency: 16 }

let world: HostWorld

beforeEach(async () => {
  world = new HostWorld({
    groups: {
      lead: { ...BOTH, agents: { scout: { about: 'finds things', hear: 'anyone' }, writer: {} } },
      scout: { ...BOTH, agents: { lead: { hear: 'anyone' } } },
      writer: { ...BOTH, agents: { lead: { send: false, hear: 'anyone' } } },
    },
  })
  world.bind('room', 'lead')
  world.bind('home', 'lead')
  world.core.roles.grant(OWNER.id, 'owner', null, world.core.clock.now())
  await world.host.start()
  world.say('home', 'hello', { sender: OWNER, chatKind: 'private' })
  await world.until(() => expect(world.shown('home')).toHaveLength(1))
})

afterEach(() => world[Symbol.asyncDispose]())

const call = (name: string, args: object) => `/demo tool ${name} ${JSON.stringify(args)}`
const parts = (chat: string) => world.channel.shown(world.channel.address(chat))
const requests = () =>
  world.core.agentRequests.ofSession('lead' as GroupName, `chat:${world.core.directory.chats()[0]?.id}`, 100)
const isQuiet = () => expect(world.core.dispatches.groupsWithOpen()).toEqual([])

test('an agent asks another one, and the answer begins a turn of the conversation that asked', async () => {
  world.say('room', call('send_to_agent', { to: 'scout', message: '/demo prompt' }))
  await world.until(() => expect(parts('room').join('\n')).toContain('Sent to scout as request 1'))
  await world.until(() => expect(parts('room')).toHaveLength(2))
  const answer = parts('room')[1] ?? ''
  // What the other was given, echoed by it, and echoed again by the one that asked.
  expect(answer).toContain('Another agent, lead, asks this for "Alice" (fake:alice)')
  expect(answer).toContain('lead (agent:lead):')
  expect(requests()).toMatchObject([{ state: 'told', to: 'scout' }])
})

test('sub-agents work side by side, and what they found comes together', async () => {
  const one = call('send_to_agent', { to: 'scout', message: 'find', new_conversation: true })
  const two = call('send_to_agent', { to: 'writer', message: 'write', new_conversation: true })
  world.say('room', `${one}\n${two.replace('/demo tool ', '')}`)
  await world.until(() => expect(parts('room')).toHaveLength(2))
  const answer = parts('room')[1] ?? ''
  expect(answer).toMatch(/scout, to request 1 \("find"\):\n {2}> demo: find/)
  expect(answer).toMatch(/writer, to request 2 \("write"\):\n {2}> demo: write/)
})

test('a request that is stopped brings nothing; a wrong one says what is right', async () => {
  const ask = call('send_to_agent', { to: 'scout', message: '/demo hang' })
  world.say('room', `${ask}\ncancel_agent_request {"request":1}\nsend_to_agent {"to":"nobody","message":"x"}`)
  await world.until(() => expect(parts('room')).toHaveLength(1))
  expect(parts('room')[0]).toContain('Request 1 is stopped')
  expect(parts('room')[0]).toContain('You may ask: scout, writer')
  await world.until(isQuiet)
  expect(parts('room')).toHaveLength(1)
})

test('a person stops what agents do because of their chat', async () => {
  world.say('room', call('send_to_agent', { to: 'scout', message: '/demo hang' }))
  await world.until(() => expect(world.core.dispatches.groupsWithOpen()).toContain('scout'))
  await world.until(() => expect(parts('room')).toHaveLength(1))
  world.say('room', '/status')
  await world.until(() => expect(parts('room').join('\n')).toMatch(/Waits for other agents: scout \(\d+ s\)/))
  world.say('room', '/stop')
  await world.until(isQuiet)
  expect(requests()).toMatchObject([{ state: 'cancelled' }])
})

test('the answer outlives the host, and comes once', async () => {
  world.say('room', call('send_to_agent', { to: 'scout', message: '/demo slow 1500' }))
  await world.until(() => expect(parts('room')).toHaveLength(1))
  await world.restart({ stopSandboxes: false })
  await world.until(() => expect(parts('room').join('\n')).toContain('slow answer after 1500 ms'))
  await world.until(isQuiet)
  expect(parts('room')).toHaveLength(2)
})

test('what an asked agent needs of the owner reaches them, and what comes of it reaches the one that asked', async () => {
  const egress = call('request_egress', { host: 'api.example.com', reason: 'the weather' })
  const question = 'ask_user {"question":"Which?","options":["A","B"]}'
  world.say('room', call('send_to_agent', { to: 'scout', message: `${egress}\n${question}` }))
  const card = () =>
    parts('home')
      .flatMap((part) => readChoicePart(part) ?? [])
      .at(-1)
  await world.until(() => expect(card()?.text).toContain('The agent **scout**'))
  // Nobody but agents is in that conversation, so no question of it is put to people.
  await world.until(() => expect(parts('room').join('\n')).toContain('No person is in this conversation'))
  expect(parts('room').flatMap((part) => readChoicePart(part) ?? [])).toEqual([])
  world.say('home', card()?.choices[0]?.say ?? '', { sender: OWNER, chatKind: 'private' })
  await world.until(() => expect(parts('room').join('\n')).toContain('it was allowed by `Olga`'))
  const rules = world.core.egressRules.inForce('scout' as GroupName, world.core.clock.now())
  expect(rules).toMatchObject([{ group: 'scout', once: true }])
})

test('an agent that another one asked for is made when the owner allows it, and can be asked at once', async () => {
  const asked = { name: 'librarian', about: 'books', instructions: '# Who you are\n\nYou keep books.' }
  world.say('room', call('create_agent', asked))
  const card = () =>
    parts('home')
      .flatMap((part) => readChoicePart(part) ?? [])
      .at(-1)
  await world.until(() => expect(card()?.text).toContain('`You keep books.`'))
  world.say('home', card()?.choices[0]?.say ?? '', { sender: OWNER, chatKind: 'private' })
  await world.until(() => expect(parts('room').join('\n')).toContain('The agent librarian is there'))
  world.say('room', call('send_to_agent', { to: 'librarian', message: 'hello books' }))
  await world.until(() => expect(parts('room').join('\n')).toContain('demo: demo: hello books'))
})

test('two agents told to ask each other for ever stop by themselves, and the owner is told once', async () => {
  world.say('room', '/demo ask-for-ever scout')
  await world.until(
    () => expect(parts('home').filter((part) => part.includes('on and on'))).toHaveLength(1),
    60_000,
  )
  await world.until(isQuiet, 60_000)
  const { agent_requests: bound } = world.core.install.config.limits
  const made = world.core.agentRequests.lineageOf(requests().at(-1)?.fromInbound as never)
  expect(made?.inTree).toBeLessThanOrEqual(bound)
  expect(made?.inTree).toBeGreaterThan(3)
  expect(parts('home').filter((part) => part.includes('on and on'))).toHaveLength(1)
  // Every request has a turn of the asked agent and at most one of the asking one, for its answer.
  const turns = ['lead', 'scout'].map(
    (group) => world.core.turnLog.list({ group: group as GroupName }, 1_000).length,
  )
  expect((turns[0] ?? 0) + (turns[1] ?? 0)).toBeLessThanOrEqual(2 + 2 * bound)
})
