import { expect, test } from 'vitest'
import { GARDEN, HostTables, KITCHEN } from '../../test/rig/host-tables.ts'
import { mayReply } from './authorise.ts'

test('a group writes only to chats that are bound to it, and only about messages it was given', () => {
  using tables = new HostTables()
  const row = tables.place(GARDEN, 1)
  const chat = tables.room()
  expect(mayReply(GARDEN, row, tables.directory.bindings(chat))).toMatchObject({ allowed: false })
  tables.bind(chat, KITCHEN)
  expect(mayReply(GARDEN, row, tables.directory.bindings(chat))).toMatchObject({ allowed: false })
  tables.bind(chat, GARDEN)
  expect(mayReply(GARDEN, row, tables.directory.bindings(chat))).toEqual({ allowed: true })
  expect(mayReply(GARDEN, null, tables.directory.bindings(chat))).toMatchObject({ allowed: false })
})
