import { describe, expect, test } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { commandPorts } from '../../test/rig/command-ports.ts'
import { ALICE, GARDEN, HostTables, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import { GroupConfig } from '../config/schema.ts'
import { Notices } from '../delivery/notices.ts'
import { ConfigError } from '../domain/errors.ts'
import type { GroupName, InboundId, UserId } from '../domain/ids.ts'
import type { InboundMessage } from '../domain/message.ts'
import type { BindingSettings, DispatchPlan } from '../domain/ports/stores.ts'
import { answerCommand } from './answer.ts'
import type { ChatCommandPorts } from './command.ts'

const owner = { id: OWNER, name: 'Olga', isBot: false }

class CommandWorld extends HostTables {
  readonly channel = new FakeChannel()
  change: Partial<ChatCommandPorts> = {}

  constructor() {
    super()
    this.roles.grant(OWNER, 'owner', null, this.clock.now())
  }

  /** Somebody writes; returns what goes on, or null for an ordinary message. */
  says(text: string, part: Partial<InboundMessage> = {}): readonly DispatchPlan[] | null {
    const { deliveries, directory, roles, clock } = this
    const row = this.receive(text, part)
    const notices = new Notices({
      ...{ deliveries, directory, roles, clock },
      channelOf: () => this.channel,
      nudge: () => undefined,
    })
    const facts = directory.bindings(row.chatId).map((binding) => ({
      binding,
      roles: roles.roles(row.senderId, binding.group),
      stickyOpen: false,
      patternMatches: false,
    }))
    return answerCommand(row, facts, { ...commandPorts(this, this.change), notices })
  }

  get answers(): string[] {
    return this.outgoing().map(({ part }) => part)
  }

  get answer(): string {
    return this.answers.at(-1) ?? '(none)'
  }
}

/** A room that garden answers, whoever writes. */
function room(settings: Partial<BindingSettings> = {}): CommandWorld {
  const world = new CommandWorld()
  world.bind(world.room(), GARDEN, settings)
  return world
}

describe('which messages are commands', () => {
  test.each([
    ['/help', {}, true],
    ['  /HELP ', {}, true],
    ['@bot /help', { mentionsUs: true }, true],
    ['/help@bot', { mentionsUs: true }, true],
    ['/help@another', { mentionsUs: false }, false],
    ['@somebody /help', { mentionsUs: false }, false],
    ['/help@another', { chatKind: 'private' as const }, true],
    ['/help me, please', {}, false],
    ['please /help', {}, false],
    ['/frobnicate', {}, false],
    ['/usr/bin/env', {}, false],
    ['/model-is-broken', {}, false],
  ])('%j %j: %j', (text, part, isOne) => {
    using world = room()
    expect(world.says(text, part)).toEqual(isOne ? [] : null)
    expect(world.answers).toHaveLength(isOne ? 1 : 0)
  })

  test('of those who are not let in, or of bots without a role, are ordinary messages', () => {
    using world = room({ senders: 'ask' })
    expect(world.says('/stop')).toBeNull()
    world.roles.grant(ALICE, 'member', GARDEN, world.clock.now())
    expect(world.says('/stop')).toEqual([])
    world.roles.grant(ALICE, 'denied', GARDEN, world.clock.now())
    expect(world.says('/stop')).toBeNull()
    world.bind(world.room(), GARDEN)
    const bot = { id: 'fake:bot' as UserId, name: 'Bot', isBot: true }
    expect(world.says('/stop', { sender: bot })).toBeNull()
  })

  test('are answered once, however often they are routed', () => {
    using world = room()
    const row = world.receive('/help')
    const ask = () => {
      const { deliveries, directory, roles, clock, channel } = world
      const notices = new Notices({
        ...{ deliveries, directory, roles, clock, channelOf: () => channel, nudge: () => undefined },
      })
      const [binding] = directory.bindings(row.chatId)
      if (!binding) throw new Error('not bound')
      const facts = { binding, roles: [], stickyOpen: false, patternMatches: false }
      return answerCommand(row, [facts], { ...commandPorts(world), notices })
    }
    expect([ask(), ask()]).toEqual([[], []])
    expect(world.answers).toHaveLength(1)
  })
})

describe('/new', () => {
  const epoch = (world: CommandWorld, group: GroupName = GARDEN) =>
    world.choices.of(group, `chat:${world.room()}`).epoch

  test('gives the conversation another name, once for each message', () => {
    using world = room()
    world.says('/new')
    expect(epoch(world)).toBe(1)
    expect(world.answer).toBe('A new conversation begins with your next message.')
    const { since } = world.choices.of(GARDEN, `chat:${world.room()}`)
    world.choices.beginAnew(GARDEN, `chat:${world.room()}`, since as InboundId)
    expect(epoch(world)).toBe(1)
    world.says('/new')
    expect(epoch(world)).toBe(2)
  })

  test('says that what is under way goes on', () => {
    using world = room()
    world.place(GARDEN, 1)
    world.says('/new')
    expect(world.answer).toContain('goes on in the old one')
  })

  test('of a conversation that all chats share is for owners and admins', () => {
    using world = room({ session: 'group' })
    world.says('/new')
    expect(world.answer).toContain('only its owner or an admin')
    expect(world.choices.of(GARDEN, 'group').epoch).toBe(0)
    world.says('/new', { sender: owner })
    expect(world.choices.of(GARDEN, 'group').epoch).toBe(1)
  })

  test('counts for every agent of the chat, which then answer as one', () => {
    using world = room()
    world.bind(world.room(), KITCHEN)
    world.says('/new')
    expect([epoch(world), epoch(world, KITCHEN)]).toEqual([1, 1])
    expect(world.answers).toEqual(['A new conversation begins with your next message.'])
    world.place(KITCHEN, 1)
    world.says('/new')
    expect(world.answer).toMatch(/^garden:\n\nA new .*\n\nkitchen:\n\nA new .*goes on/s)
  })
})

describe('/model and /effort', () => {
  test('are for owners and admins of the group', () => {
    using world = room()
    for (const text of ['/model big', '/effort high']) {
      expect(world.says(text)).toEqual([])
      expect(world.answer).toBe(`Only an owner or an admin of this agent can use ${text.split(' ')[0]}.`)
    }
    expect(world.choices.of(GARDEN, `chat:${world.room()}`)).toMatchObject({ model: null, effort: null })
    world.roles.grant(ALICE, 'admin', KITCHEN, world.clock.now())
    world.says('/model big')
    expect(world.answer).toContain('Only an owner')
    world.roles.grant(ALICE, 'admin', GARDEN, world.clock.now())
    world.says('/model big')
    expect(world.choices.of(GARDEN, `chat:${world.room()}`)).toMatchObject({ model: 'big' })
  })

  test('show, choose, refuse and go back', () => {
    using world = room()
    world.change = { groups: { load: () => GroupConfig.parse({ model: 'own-model' }) } }
    const say = (text: string) => {
      world.says(text, { sender: owner })
      return world.answer
    }
    expect(say('/model')).toBe("The model is the agent's: own-model. `/model …` chooses another for here.")
    expect(say('/model anthropic/claude-x:1')).toContain('anthropic/claude-x:1 from the next message on')
    expect(say('/model')).toContain('chosen here is anthropic/claude-x:1')
    expect(say('/model --help')).toContain('expected a name')
    expect(say('/model two words')).toContain('expected a name')
    expect(say('/effort enormous')).toContain('expected minimal, low')
    expect(say('/effort high')).toContain('high from the next message on')
    const session = `chat:${world.room()}`
    expect(world.choices.of(GARDEN, session)).toMatchObject({ model: 'anthropic/claude-x:1', effort: 'high' })
    expect(say('/model default')).toBe("The model is the agent's again: own-model.")
    say('/effort default')
    expect(world.choices.of(GARDEN, session)).toMatchObject({ model: null, effort: null })
  })
})

describe('/status', () => {
  test('says what runs and waits, what was used, and to its owner more', async () => {
    using world = room()
    world.says('/status')
    expect(world.answer).toBe(
      [
        '- Agent **garden** · demo · model by default',
        '- Nothing is running here',
        '- Sandbox asleep',
        '- This conversation: nothing reported yet; today nothing reported yet',
      ].join('\n'),
    )
    const session = `chat:${world.room()}`
    world.choices.choose(GARDEN, session, 'model', 'big')
    const row = world.give(GARDEN, 'work', {}, session)
    world.dispatches.placed(GARDEN, [{ inboundId: row.id, inboxSeq: 1, told: [] }])
    world.give(GARDEN, 'more', {}, session)
    const counts = { inputTokens: 1_234, outputTokens: 56, cacheReadTokens: 60_000, cacheWriteTokens: 0 }
    const usage = [{ outboxSeq: 2, inboxSeq: 1, provider: 'demo', model: 'big', ...counts, costUsd: 0.5 }]
    world.outboxes.record(
      GARDEN,
      { cursor: 2, accepted: [{ inboxSeq: 1, attempt: 1 }], deliveries: [], settled: [], rejected: 0, usage },
      world.clock.now(),
    )
    await world.clock.advance(65_000)
    world.change = { sandbox: () => ({ state: 'awake', problem: 'no space in /secret' }) }
    world.says('/status')
    const used = '1 turn · 1234 in + 60.0 k cached · 56 out · $0.5000'
    expect(world.answer.split('\n')).toEqual([
      '- Agent **garden** · demo · model big (chosen here)',
      '- Working for 1 min 05 s; 1 message waits',
      '- Sandbox awake; it has a problem, and its owner knows',
      `- This conversation: ${used}; today ${used}`,
    ])
    world.says('/status', { sender: owner })
    expect(world.answer).toContain('Sandbox awake; no space in /secret')
    expect(world.answer).toContain(`All chats today: ${used}`)
    world.says('/new')
    world.says('/status')
    expect(world.answer).toContain('This conversation: nothing reported yet')
  })

  test('of an agent whose settings are broken says so without them', () => {
    using world = room()
    const load = () => {
      throw new ConfigError('/secret/container.json', ['model: expected string'])
    }
    world.change = { groups: { load } }
    world.says('/status')
    expect(world.answer).toContain('Agent **garden**: its settings are broken')
    expect(world.answer).not.toContain('/secret')
  })
})

describe('/memory', () => {
  test('goes to the runner, for owners and admins of the agent alone', () => {
    using world = room()
    for (const text of ['/memory', '/memory forget 01234567']) {
      expect(world.says(text)).toEqual([])
      expect(world.answer).toBe('Only an owner or an admin of this agent can use /memory.')
      expect(world.says(text, { sender: owner })).toEqual([
        { group: GARDEN, session: `chat:${world.room()}`, command: 'memory' },
      ])
    }
  })
})

describe('/compact and /help', () => {
  test('/compact goes on to the runtime, in the order of the session', () => {
    using world = room()
    expect(world.says('/compact')).toEqual([
      { group: GARDEN, session: `chat:${world.room()}`, command: 'compact' },
    ])
    expect(world.answers).toEqual([])
  })

  test('/help lists what the sender may say', () => {
    using world = room()
    world.says('/help')
    expect(world.answer).toContain('`/new`')
    expect(world.answer).not.toContain('/model')
    expect(world.answer).not.toContain('/allow')
    world.says('/help', { sender: owner })
    const whole = world.answers.join('')
    expect(whole).toContain('`/model [name|default]`')
    expect(whole).toContain('`/allow <code>`')
  })
})

describe('/timezone', () => {
  test("is one for each person: the agent's until they choose, never that of another", () => {
    using world = room()
    world.clock.set(Date.UTC(2026, 2, 2, 8))
    world.change = { timezone: 'Europe/Berlin' }
    world.says('/timezone')
    expect(world.answer).toContain('that of the agent counts: Europe/Berlin, where it is 2026-03-02 09:00')
    world.change = { groups: { load: () => GroupConfig.parse({ timezone: 'America/New_York' }) } }
    world.says('/timezone asia/tokyo', { sender: owner })
    expect(world.answer).toContain('in Asia/Tokyo from now on, where it is 2026-03-02 17:00')
    world.says('/timezone')
    expect(world.answer).toContain('America/New_York, where it is 2026-03-02 03:00')
    world.says('/timezone default', { sender: owner })
    expect(world.answer).toContain('again: America/New_York')
    expect(world.people.zone(OWNER)).toBeNull()
  })

  test.each([
    ['berlin', 'n IANA name such as Europe/Berlin'],
    ['Mars/Olympus', 'n IANA name such as Europe/Berlin'],
    ["'; DROP TABLE person; --", 'Nothing was changed'],
  ])('of %s changes nothing, and names what is near', (zone, told) => {
    using world = room()
    world.says(`/timezone ${zone}`)
    expect(world.answer).toContain(told)
    expect(world.people.zone(ALICE)).toBeNull()
  })
})
