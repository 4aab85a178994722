import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readChoicePart } from '../../src/domain/choice-part.ts'
import { type GroupName, userId } from '../../src/domain/ids.ts'
import { HostWorld } from '../rig/host-world.ts'

const MAIN = 'main' as GroupName
const OWNER = { id: userId('fake', 'olga'), name: 'Olga', isBot: false }
const EGRESS = '/demo tool request_egress {"host":"api.example.com","reason":"the weather"}'
const ASK = '/demo tool ask_user {"question":"Which colour?","options":["Red","Blue"]}'

let world: HostWorld

beforeEach(async () => {
  world = new HostWorld({ groups: { main: { provider: 'demo' } } })
  world.bind('room', 'main')
  world.bind('home', 'main')
  world.core.roles.grant(OWNER.id, 'owner', null, world.core.clock.now())
  await world.host.start()
  ownerSays('hello')
  await world.until(() => expect(world.shown('home')).toHaveLength(1))
})

afterEach(() => world[Symbol.asyncDispose]())

function ownerSays(text: string): void {
  world.say('home', text, { sender: OWNER, chatKind: 'private' })
}

/** The newest card of a chat. */
function card(
  chat: string,
): { text: string; choices: readonly { label: string; say: string }[] } | undefined {
  const parts = world.channel.shown(world.channel.address(chat))
  return parts.flatMap((part) => readChoicePart(part) ?? []).at(-1)
}

async function cardIn(chat: string) {
  await world.until(() => expect(card(chat)).toBeDefined())
  return card(chat)
}

function rules() {
  return world.core.egressRules.inForce(MAIN, world.core.clock.now())
}

/** The echoes of what the agent was told. */
function told(chat: string): string[] {
  return world.channel.shown(world.channel.address(chat)).filter((part) => part.includes('About your'))
}

describe('a request for a way out', () => {
  test('is put to the owner in private, allowed with a button, carried out once, told and shown', async () => {
    world.say('room', EGRESS)
    const asked = await cardIn('home')
    expect(card('room')).toBeUndefined()
    expect(asked?.text).toContain('`api.example.com:443`')
    expect(asked?.text).toContain('`the weather`')
    expect(asked?.text).toContain('`Alice` (`fake:alice`)')
    expect(rules()).toEqual([])
    world.channel.press('Always', {
      sender: OWNER,
      address: world.channel.address('home'),
      chatKind: 'private',
    })
    await world.until(() => expect(told('room')).toHaveLength(1))
    expect(told('room')[0]).toContain('it was allowed')
    expect(rules()).toMatchObject([
      { group: MAIN, effect: 'allow', once: false, rule: { host: 'api.example.com', ports: [443] } },
    ])
    await world.until(() => expect(card('home')).toBeUndefined())
    expect(world.channel.shown(world.channel.address('home')).at(-1)).toContain('Allowed by `Olga`')
  })

  test('is decided by no member, whatever they press or type', async () => {
    world.say('room', EGRESS)
    const asked = await cardIn('home')
    for (const { say } of asked?.choices ?? []) world.say('room', say)
    await world.until(() => expect(world.shown('room').join()).toContain('Only an owner or an admin'))
    world.channel.press('Always', { address: world.channel.address('home') })
    await world.until(() => expect(world.shown('home').join()).toContain('Only an owner or an admin'))
    expect(world.core.approvals.list(10, true)).toHaveLength(1)
    expect(rules()).toEqual([])
  })

  test('that was denied is final: the agent is told, and the same is not asked again', async () => {
    world.say('room', EGRESS)
    await cardIn('home')
    ownerSays(card('home')?.choices.at(-1)?.say ?? '')
    await world.until(() => expect(told('room')).toHaveLength(1))
    expect(told('room')[0]).toContain('That is final')
    world.say('room', EGRESS)
    await world.until(() => expect(told('room')).toHaveLength(2))
    expect(told('room')[1]).toContain('nobody was asked')
    expect(card('home')).toBeUndefined()
    expect(rules()).toEqual([])
  })

  test('outlives the host: pressed after a restart it counts, pressed again it does not', async () => {
    world.say('room', EGRESS)
    const asked = await cardIn('home')
    await world.restart({ stopSandboxes: false })
    ownerSays(asked?.choices[0]?.say ?? '')
    await world.until(() => expect(told('room')).toHaveLength(1))
    expect(rules()).toMatchObject([{ once: true }])
    ownerSays(asked?.choices[1]?.say ?? '')
    await world.until(() => expect(world.shown('home').join()).toContain('This is decided already'))
    expect(rules()).toMatchObject([{ once: true }])
    expect(told('room')).toHaveLength(1)
  })
})

describe('a question', () => {
  test('is put into its own chat, answered with a button while a turn runs, and goes back to its session', async () => {
    world.say('room', ASK)
    const asked = await cardIn('room')
    expect(asked?.text).toContain('Which colour?')
    world.say('room', '/demo slow 1500')
    world.channel.press('Blue', { address: world.channel.address('room') })
    await world.until(() => expect(card('room')).toBeUndefined())
    expect(world.shown('room').join()).not.toContain('slow answer')
    await world.until(() => expect(told('room')).toHaveLength(1))
    expect(told('room')[0]).toContain('The answer: "Blue"')
  })

  test('is answered by its number, and not by somebody the agent does not listen to', async () => {
    world.bind('strict', 'main', { senders: 'strict' })
    world.say('strict', ASK, { sender: OWNER })
    const asked = await cardIn('strict')
    world.channel.press('Red', { address: world.channel.address('strict') })
    world.say('strict', '1')
    await world.until(() => expect(world.shown('strict').join()).toContain('not for you to answer'))
    expect(asked?.choices).toHaveLength(2)
    expect(world.core.approvals.list(10, true)).toHaveLength(1)
    world.say('strict', '2', { sender: OWNER })
    await world.until(() => expect(told('strict')).toHaveLength(1))
    expect(told('strict')[0]).toContain('The answer: "Blue"')
  })

  test('with free words is answered by what is said next, which goes to the agent as it is', async () => {
    ownerSays('/demo tool ask_user {"question":"Which name?","free_text":true}')
    await world.until(() => expect(world.shown('home').join('\n')).toContain('Which name?'))
    const before = world.shown('home').length
    ownerSays('Ferdinand')
    await world.until(() => expect(world.core.approvals.list(10, true)).toEqual([]))
    await world.until(() => expect(world.shown('home').slice(before).join()).toContain('Ferdinand'))
    expect(told('home')).toEqual([])
  })
})
