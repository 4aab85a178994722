import { expect, test } from 'vitest'
import type { Binding } from './binding.ts'
import { destinationName, destinationsOf, namedChat } from './destination.ts'
import type { ChatId, GroupName } from './ids.ts'
import type { ChatRow } from './ports/stores.ts'

const GARDEN = 'garden' as GroupName
const chat = (id: number, title: string, denied = false): ChatRow => ({
  ...{ id: id as ChatId, kind: 'group', title, denied },
  address: { channel: 'telegram', account: 'main', chat: `-${id}` },
})
const binding = (chatId: number): Binding => ({
  ...{
    id: chatId,
    chatId: chatId as ChatId,
    group: GARDEN,
    engage: 'always',
    session: 'shared',
    senders: 'open',
  },
  queue: 'follow_up',
  whenFull: 'keep',
  debounceMs: 0,
})

test.each([
  ['Family', 'family-7'],
  ['  Ärger & Küche!  ', 'arger-kuche-7'],
  ['家族', 'telegram-7'],
  ['', 'telegram-7'],
  ['x'.repeat(300), `${'x'.repeat(30)}-7`],
  ['family-3', 'family-3-7'],
])('a chat called %j is %s, and only its number counts', (title, name) => {
  expect(destinationName(chat(7, title))).toBe(name)
  expect(namedChat(name)).toBe(7)
})

test('a name that is none of ours stands for no chat', () => {
  for (const name of ['', 'family', 'family-', '7', 'family-7 ', 'family-7x', `family-${'9'.repeat(16)}`])
    expect(namedChat(name)).toBeNull()
})

test('a group may write to the other chats that are bound to it, and not denied', () => {
  const rows = [chat(1, 'Here'), chat(2, 'Family'), chat(3, 'Denied', true), chat(4, 'Others')]
  const bindings = [binding(1), binding(2), binding(3), binding(5)]
  const chatOf = (id: ChatId) => rows.find((row) => row.id === id) ?? null
  expect(destinationsOf(1 as ChatId, bindings, chatOf)).toEqual([
    { name: 'family-2', channel: 'telegram', kind: 'group', title: 'Family' },
  ])
})
