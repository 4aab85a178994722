import { describe, expect, test } from 'vitest'
import { ALICE, GARDEN, KITCHEN } from '../../test/rig/host-tables.ts'
import {
  type Binding,
  ENGAGE_MODES,
  type EngageMode,
  SENDER_POLICIES,
  type SenderPolicy,
} from '../domain/binding.ts'
import type { ChatId, GroupName, InboundId, UnixMs } from '../domain/ids.ts'
import type { InboundRow, Role } from '../domain/ports/stores.ts'
import { type BindingFacts, type RouteFacts, route } from './router.ts'

const message = (part: Partial<InboundRow> = {}): InboundRow => ({
  id: 1 as InboundId,
  chatId: 7 as ChatId,
  address: { channel: 'fake', account: 'main', chat: 'room' },
  chatKind: 'group',
  chatTitle: 'Room',
  senderId: ALICE,
  senderName: 'Alice',
  senderIsBot: false,
  text: 'hello',
  mentionsUs: false,
  sentAt: 1 as UnixMs,
  receivedAt: 1 as UnixMs,
  state: 'new',
  reason: null,
  gatherUntil: 0 as UnixMs,
  lateMs: 0,
  urgent: false,
  ...part,
})

const binding = (part: Partial<Binding> = {}, facts: Partial<BindingFacts> = {}): BindingFacts => ({
  binding: {
    id: 3,
    chatId: 7 as ChatId,
    group: GARDEN,
    engage: 'always',
    session: 'shared',
    senders: 'open',
    queue: 'follow_up',
    whenFull: 'keep',
    debounceMs: 0,
    ...part,
  },
  roles: [],
  stickyOpen: false,
  patternMatches: false,
  ...facts,
})

const facts = (...bindings: BindingFacts[]): RouteFacts => ({
  bindings,
  chatDenied: false,
  unknownChats: 'ask',
})
const stateOf = (row: InboundRow, ...bindings: BindingFacts[]) => route(row, facts(...bindings)).state

/** What addresses the agent in each mode, and what does not. */
const SITUATIONS: {
  name: string
  row: Partial<InboundRow>
  bound: Partial<BindingFacts>
  engages: EngageMode[]
}[] = [
  { name: 'plain, in a group', row: {}, bound: {}, engages: ['always'] },
  {
    name: 'a mention, in a group',
    row: { mentionsUs: true },
    bound: {},
    engages: ['always', 'mention', 'sticky'],
  },
  {
    name: 'plain, in private',
    row: { chatKind: 'private' },
    bound: {},
    engages: ['always', 'mention', 'sticky'],
  },
  { name: 'pattern fits', row: {}, bound: { patternMatches: true }, engages: ['always', 'pattern'] },
  { name: 'thread is open', row: {}, bound: { stickyOpen: true }, engages: ['always', 'sticky'] },
]

/** What becomes of an engaging and of another message, by sender and policy. */
const SENDERS: {
  name: string
  roles: Role[]
  bot: boolean
  verdicts: Record<SenderPolicy, [string, string]>
}[] = [
  ...(['owner', 'admin', 'member'] as const).map((role) => ({
    name: role,
    roles: [role],
    bot: false,
    verdicts: same('routed', 'heard'),
  })),
  {
    name: 'stranger',
    roles: [],
    bot: false,
    verdicts: { strict: ['dropped', 'dropped'], ask: ['held', 'dropped'], open: ['routed', 'heard'] },
  },
  { name: 'denied', roles: ['denied'], bot: false, verdicts: same('dropped', 'dropped') },
  { name: 'denied member', roles: ['member', 'denied'], bot: false, verdicts: same('dropped', 'dropped') },
  { name: 'bot with a role', roles: ['member'], bot: true, verdicts: same('routed', 'heard') },
  {
    name: 'strange bot',
    roles: [],
    bot: true,
    verdicts: { strict: ['dropped', 'dropped'], ask: ['dropped', 'dropped'], open: ['heard', 'heard'] },
  },
]

function same(engaged: string, other: string): Record<SenderPolicy, [string, string]> {
  return { strict: [engaged, other], ask: [engaged, other], open: [engaged, other] }
}

const TABLE = SITUATIONS.flatMap((situation) =>
  SENDERS.flatMap((sender) =>
    ENGAGE_MODES.flatMap((engage) =>
      SENDER_POLICIES.map((senders) => ({ situation, sender, engage, senders })),
    ),
  ),
)

describe('route', () => {
  test(`decides by engage mode, sender and policy (${TABLE.length} cases)`, () => {
    expect(TABLE.length).toBe(5 * 8 * 4 * 3)
    for (const { situation, sender, engage, senders } of TABLE) {
      const row = message({ ...situation.row, senderIsBot: sender.bot })
      const bound = binding({ engage, senders }, { ...situation.bound, roles: sender.roles })
      const [engaged, other] = sender.verdicts[senders]
      const expected = situation.engages.includes(engage) ? engaged : other
      const result = route(row, facts(bound))
      const what = `${situation.name}, ${sender.name}, engage ${engage}, senders ${senders}`
      expect(result.state, what).toBe(expected)
      expect(result.plans.length, what).toBe(expected === 'routed' ? 1 : 0)
      // Never silent: whatever is not answered and not background has a reason.
      if (expected === 'dropped' || expected === 'held') expect(result.reason, what).not.toBeNull()
    }
  })

  test('a chat that nobody answers is asked about when we are addressed, else left', () => {
    const unknown = (row: Partial<InboundRow>, part: Partial<RouteFacts> = {}) =>
      route(message(row), { ...facts(), ...part })
    expect(unknown({ mentionsUs: true })).toEqual({ state: 'held', reason: 'unknown chat', plans: [] })
    expect(unknown({ chatKind: 'private' }).state).toBe('held')
    expect(unknown({}).state).toBe('heard')
    expect(unknown({ mentionsUs: true, senderIsBot: true }).state).toBe('heard')
    expect(unknown({ mentionsUs: true }, { unknownChats: 'strict' }).state).toBe('dropped')
    expect(unknown({ mentionsUs: true }, { chatDenied: true }).state).toBe('dropped')
    expect(unknown({ mentionsUs: true }, { chatDenied: true }).reason).toContain('refused')
    expect(unknown({ mentionsUs: true }, { unknownChats: 'open' }).state).toBe('held')
  })

  test('names the conversation by session mode', () => {
    const session = (mode: Binding['session'], thread?: string) => {
      const address = { channel: 'fake', account: 'main', chat: 'room', ...(thread ? { thread } : {}) }
      return route(message({ address }), facts(binding({ session: mode }))).plans[0]?.session
    }
    expect(session('shared', 't1')).toBe('chat:7')
    expect(session('thread', 't1')).toBe('chat:7/thread:t1')
    expect(session('thread')).toBe('chat:7/thread:')
    expect(session('group', 't1')).toBe('group')
  })

  test('only a sticky binding keeps its thread open', () => {
    const plan = (engage: EngageMode) =>
      route(message({ mentionsUs: true }), facts(binding({ engage }))).plans[0]
    expect(plan('sticky')?.openSticky).toEqual({ bindingId: 3 })
    expect(plan('mention')?.openSticky).toBeUndefined()
  })

  test('with two groups in a chat each decides for itself, and the most hopeful verdict stands', () => {
    const kitchen = (part: Partial<Binding>, own: Partial<BindingFacts> = {}) =>
      binding({ id: 4, group: KITCHEN, ...part }, own)
    const groups = (...bindings: BindingFacts[]): GroupName[] =>
      route(message(), facts(...bindings)).plans.map((plan) => plan.group)
    expect(groups(binding(), kitchen({}))).toEqual([GARDEN, KITCHEN])
    expect(groups(binding(), kitchen({ senders: 'strict' }))).toEqual([GARDEN])
    const mixed = route(message(), facts(binding(), kitchen({ senders: 'ask' })))
    expect(mixed).toMatchObject({ state: 'routed', reason: 'not let in by kitchen' })
    expect(stateOf(message(), binding({ senders: 'strict' }), kitchen({ senders: 'ask' }))).toBe('held')
    expect(stateOf(message(), binding({ senders: 'strict' }), kitchen({ engage: 'mention' }))).toBe('heard')
  })
})
