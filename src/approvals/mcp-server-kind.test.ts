import type { OutboxAsk } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApprovalWorld } from '../../test/rig/approval-world.ts'
import { GARDEN, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import type { ChatId, UserId } from '../domain/ids.ts'
import { MAX_ADDED_SERVERS } from '../domain/tool-server.ts'

const ADMIN = 'fake:ada' as UserId
const NODE = { command: 'node', args: ['/workspace/tides.mjs', '--place', 'Brest'], env: { LANG: 'fr' } }

type Asked = Partial<Extract<OutboxAsk['ask'], { kind: 'mcp_server' }>>

let world: ApprovalWorld
beforeEach(() => {
  world = new ApprovalWorld()
  world.registry.add(GARDEN, { mcpServers: { Lab_1: { command: 'lab', args: [], env: {} } } })
})
afterEach(() => world[Symbol.dispose]())

function ask(more: Asked = {}): void {
  world.ask({ kind: 'mcp_server', name: 'tides', server: NODE, reason: 'for `you`', ...more })
}

const servers = () => world.servers.of(GARDEN).map(({ name, server }) => ({ name, server }))

describe('a tool server', () => {
  test('is shown whole, added once as shown, and told when no sandbox of before runs', async () => {
    ask()
    await world.deliver()
    const { card } = world.newest()
    for (const shown of [
      ...['`tides`', '`node`', '`/workspace/tides.mjs`', '`--place`', '`Brest`', '`LANG=fr`', "`for 'you'`"],
      'inside its sandbox',
    ])
      expect(card).toContain(shown)
    world.renewed = false
    expect(world.says(world.approve())).toBe(true)
    await world.work()
    expect(servers()).toEqual([{ name: 'tides', server: NODE }])
    expect(world.words()).toEqual([])
    expect(world.newest()).toMatchObject({ state: 'done', cardSettled: true })
    world.renewed = true
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('The tool server tides is yours')])
    expect(world.servers.of(GARDEN)).toMatchObject([
      { approvalId: world.newest().id, by: expect.stringContaining(OWNER) },
    ])
  })

  test('at an address is shown with the host that is opened with it, and whether that is at home', () => {
    ask({ server: { url: 'https://mcp.example.com/mcp' } })
    expect(world.newest().card).toContain('`mcp.example.com:443`')
    expect(world.newest().card).not.toContain('your own network')
    ask({ name: 'nas', server: { url: 'http://nas:8080/' } })
    expect(world.newest().card).toContain('**This is inside your own network**')
  })

  test('is decided by an owner or an admin of its group, and by nobody else', async () => {
    ask()
    for (const [user, group] of [
      ['fake:alice', null],
      [ADMIN, KITCHEN],
    ] as const) {
      if (group) world.roles.grant(user as UserId, 'admin', group, world.clock.now())
      expect(world.says(world.approve(), user as UserId)).toBe(true)
    }
    await world.work()
    expect(servers()).toEqual([])
    expect(world.said(world.newest().cardChatId as ChatId).join()).toContain('Only an owner or an admin')
    world.roles.grant(ADMIN, 'admin', GARDEN, world.clock.now())
    world.says(world.approve(), ADMIN)
    await world.work()
    expect(servers()).toHaveLength(1)
  })

  test('is added once however often it is pressed or carried out, and not again when it was taken away', async () => {
    ask()
    const { id } = world.newest()
    const words = world.approve()
    world.says(words)
    await world.work()
    const approval = world.approvals.find(id)
    if (!approval) throw new Error('it is gone')
    await world.kinds.mcp_server.carryOut(approval)
    expect(servers()).toHaveLength(1)
    world.servers.remove(GARDEN, 'tides')
    world.says(words)
    await world.work()
    expect(servers()).toEqual([])
    expect(world.words()).toHaveLength(1)
  })

  test('whose row was changed after it was shown is not added', async () => {
    ask()
    world.db
      .prepare("UPDATE approval SET payload = replace(payload, 'tides.mjs', 'other.mjs') WHERE id = ?")
      .run(world.newest().id)
    world.says(world.approve())
    await world.work()
    expect(world.newest().state).toBe('failed')
    expect(servers()).toEqual([])
  })

  test('that nobody decided about in time is not added by a late yes', async () => {
    ask()
    const words = world.approve()
    await world.clock.advance(25 * 3_600_000)
    world.says(words)
    await world.work()
    expect(world.newest().state).toBe('expired')
    expect(servers()).toEqual([])
  })

  test('whose name container.json or another ask has taken meanwhile is not added', async () => {
    ask()
    const first = world.approve()
    ask({ server: { url: 'https://mcp.example.com/' } })
    world.says(world.approve())
    world.says(first)
    await world.work()
    expect(servers()).toEqual([{ name: 'tides', server: NODE }])
    expect(world.approvals.list(2, false).map(({ state }) => state)).toEqual(['failed', 'done'])
    ask({ name: 'moon' })
    world.says(world.approve())
    world.registry.remove(GARDEN)
    world.registry.add(GARDEN, { mcpServers: { Moon: { command: 'x', args: [], env: {} } } })
    await world.work()
    expect(world.newest()).toMatchObject({
      state: 'failed',
      outcome: expect.stringContaining('container.json'),
    })
  })

  test('that is taken away is the one that was shown, and no later one', async () => {
    const base = { group: GARDEN, name: 'tides', by: 'x', at: world.clock.now() }
    world.servers.add({ ...base, server: NODE, approvalId: 700 })
    const { mcp_server } = world.kinds
    world.ask({ kind: 'mcp_server', name: 'tides', reason: 'done' })
    expect(world.newest().card).toContain('taken away')
    expect(world.newest().card).toContain('`/workspace/tides.mjs`')
    world.says(world.approve())
    const approval = world.newest()
    await world.work()
    expect(servers()).toEqual([])
    expect(world.words()).toEqual([expect.stringContaining('tides is gone')])
    world.servers.add({ ...base, server: NODE, approvalId: 701 })
    await mcp_server.carryOut(approval)
    expect(servers()).toHaveLength(1)
  })

  test('that there is already, exactly so, needs nobody', async () => {
    const server = { ...NODE, env: { B: '2', A: '1' } }
    world.servers.add({ group: GARDEN, name: 'tides', server, approvalId: 9, by: 'x', at: world.clock.now() })
    ask({ server: { ...NODE, env: { A: '1', B: '2' } } })
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'done', decidedBy: null })
    expect(world.words()).toEqual([expect.stringContaining('already')])
  })
})

const command = (change: object): Asked => ({ server: { ...NODE, ...change } })

test.each<[string, Asked, string]>([
  ['a name with a path', { name: '../evil' }, 'begins with a letter'],
  ['a name in capitals', { name: 'Tides' }, 'begins with a letter'],
  ['the name of our own', { name: 'creel' }, "Creel's own tools"],
  ['a name that looks like our own', { name: 'creel_2' }, "Creel's own tools"],
  ['a name of container.json', { name: 'lab-1' }, 'only its owner changes'],
  ['a command with a NUL', command({ command: 'no\0de' }), 'cannot be shown'],
  ['a command with nothing', command({ command: '' }), 'expected a program'],
  ['an argument with a line break', command({ args: ['a\nb'] }), 'cannot be shown'],
  ['an argument that turns its text around', command({ args: ['a\u202eb'] }), 'cannot be shown'],
  ['an argument that ends the quotation', command({ args: ['a`b'] }), 'cannot be shown'],
  ['an argument of nothing', command({ args: [''] }), 'cannot be shown'],
  ['an argument that is a book', command({ args: ['x'.repeat(401)] }), 'cannot be shown'],
  ['many long arguments', command({ args: Array.from({ length: 20 }, () => 'x'.repeat(300)) }), 'script'],
  ['very many arguments', command({ args: Array.from({ length: 31 }, () => 'x') }), 'at most 30'],
  ['a variable that is none', command({ env: { 'A=B': 'c' } }), 'no name of a variable'],
  ['a variable for a secret', command({ env: { GITHUB_TOKEN: 'x' } }), 'vault set'],
  ['another one', command({ env: { apikey: 'x' } }), 'vault set'],
  ['a key under another name', command({ env: { A: 'sk-ant-0123456789' } }), 'vault set'],
  ['a key in an argument', command({ args: ['--auth=ghp_0123456789abcdef'] }), 'vault set'],
  [
    'many variables',
    command({ env: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`V${n}`, 'x'])) }),
    '20',
  ],
  ['no address', { server: { url: 'mcp.example.com' } }, 'expected an address'],
  ['a file', { server: { url: 'file:///etc/passwd' } }, 'expected an address'],
  ['an address with a password', { server: { url: 'https://a:b@mcp.example.com/' } }, 'vault set'],
  ['an address with a key', { server: { url: 'https://mcp.example.com/?key=1' } }, 'vault set'],
  ['the sandbox itself', { server: { url: 'http://127.0.0.1:3000/' } }, 'your own sandbox'],
  ['the sandbox by name', { server: { url: 'http://localhost:3000/' } }, 'your own sandbox'],
  ['the sandbox in another form', { server: { url: 'http://[::1]:3000/' } }, 'your own sandbox'],
  ['a pattern of hosts', { server: { url: 'https://*.example.com/' } }, 'none that can be allowed'],
])('is refused without asking anybody: %s', async (_, change, why) => {
  ask(change)
  expect(world.newest()).toMatchObject({ state: 'denied', decidedBy: null, card: '' })
  expect(world.newest().outcome).toContain(why)
})

test('is refused beyond the bound, for an agent without readable settings, and when nothing is there to remove', () => {
  world.ask({ kind: 'mcp_server', name: 'tides', reason: 'x' })
  expect(world.newest().outcome).toContain('You have added none')
  world.ask({ kind: 'mcp_server', name: 'Lab_1', reason: 'x' })
  expect(world.newest().outcome).toContain('only its owner changes')
  for (let n = 0; n < MAX_ADDED_SERVERS; n++) {
    const base = { group: GARDEN, name: `s${n}`, server: NODE, by: 'x', at: world.clock.now() }
    world.servers.add({ ...base, approvalId: n })
  }
  ask()
  expect(world.newest().outcome).toContain('which is the bound')
  world.registry.remove(GARDEN)
  ask({ name: 'moon' })
  expect(world.newest().outcome).toContain('container.json')
})
