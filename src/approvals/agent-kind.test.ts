import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApprovalWorld } from '../../test/rig/approval-world.ts'
import { GARDEN, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import type { GroupName, UserId } from '../domain/ids.ts'
import type { Paths } from '../paths.ts'

const NEW = 'librarian' as GroupName
const ADMIN = 'fake:adam' as UserId

let world: ApprovalWorld
beforeEach(() => {
  world = new ApprovalWorld()
  world.registry.add(GARDEN, {
    provider: 'claude',
    model: 'm',
    secrets: ['anthropic/main', 'github', 'anthropicx/no'],
    egress: [{ host: 'example.com', ports: [443], methods: [], paths: [], private: false }],
    mcpServers: { lab: { command: 'node', args: [], env: {} } },
  })
})
afterEach(() => world[Symbol.dispose]())

const request = {
  kind: 'agent' as const,
  name: 'librarian',
  about: 'keeps `books`',
  instructions: '# Who you are\n\nYou keep **books**.\u202E',
}

describe('a new agent', () => {
  test('is shown whole to an owner, made once when allowed, and can be asked then', async () => {
    world.ask(request)
    const { card } = world.newest()
    for (const shown of ['`librarian`', "`keeps 'books'`", '`# Who you are`', '`You keep **books**.`'])
      expect(card).toContain(shown)
    expect(world.says(world.approve())).toBe(true)
    await world.work()
    expect(world.registry.instructions(NEW).text).toBe('# Who you are\n\nYou keep **books**.\n')
    expect(world.registry.load(GARDEN).agents).toEqual({
      librarian: { send: true, hear: 'no', about: "keeps 'books'" },
    })
    expect(world.made).toEqual(['made'])
    expect(world.words()).toEqual([expect.stringContaining('The agent librarian is there')])
  })

  test('gets provider, model and the key of its model, and nothing else of the one that asks', async () => {
    world.ask(request)
    world.says(world.approve())
    await world.work()
    expect(world.registry.load(NEW)).toMatchObject({
      ...{
        provider: 'claude',
        model: 'm',
        secrets: ['anthropic/main'],
        egress: [],
        mcpServers: {},
        skills: [],
      },
      agents: { garden: { send: false, hear: 'anyone' } },
    })
    const kept = JSON.parse(readFileSync(world.agentPaths.groupConfig(GARDEN), 'utf8'))
    expect(kept).toMatchObject({ secrets: ['anthropic/main', 'github', 'anthropicx/no'], model: 'm' })
  })

  test('is decided by owners alone: an admin of the asking agent is none', async () => {
    world.roles.grant(ADMIN, 'admin', GARDEN, world.clock.now())
    world.ask(request)
    expect(world.says(world.approve(), ADMIN)).toBe(true)
    await world.work()
    expect(world.registry.exists(NEW)).toBe(false)
    expect(world.said(world.newest().cardChatId as never).join()).toContain('Only an owner can decide this')
  })

  test('made before a kill is not made again; another one of that name is left as it is', async () => {
    world.ask(request)
    const approval = world.newest()
    expect(world.kinds.agent.carryOut(approval)).toContain('is there')
    expect(world.kinds.agent.carryOut(approval)).toContain('is there')
    world.registry.remove(NEW)
    world.registry.add(NEW, {}, 'somebody else')
    expect(() => world.kinds.agent.carryOut(approval)).toThrow('there is an agent librarian by now')
    expect(world.registry.instructions(NEW).text).toBe('somebody else')
  })

  test.each([
    ['a name with a path', { name: '../evil' }],
    ['a name that is an option', { name: '--help' }],
    ['a name in capitals', { name: 'Librarian' }],
    ['the name of one that there is', { name: 'garden' }],
    ['no instructions', { instructions: ' \u200B\n ' }],
    ['a line that a card cannot show whole', { instructions: 'x'.repeat(401) }],
  ])('is refused without asking anybody: %s', async (_, change) => {
    world.ask({ ...request, ...change })
    expect(world.newest()).toMatchObject({ state: 'denied', decidedBy: null })
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('nobody was asked')])
  })

  test.each<[string, (paths: Paths) => string]>([
    ['its folder', (paths) => paths.groupDir(NEW)],
    ['its memory', (paths) => paths.memory(NEW)],
    ["its runtime's home", (paths) => paths.home(NEW)],
    ['its mail', (paths) => paths.mailIn(NEW)],
  ])('takes over nothing of one of which %s is left: neither asked nor made', async (_, left) => {
    const folder = left(world.agentPaths)
    mkdirSync(folder, { recursive: true })
    world.ask(request)
    expect(world.newest()).toMatchObject({ state: 'denied', decidedBy: null })
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('librarian is taken by what is left of an agent')])

    rmSync(folder, { recursive: true })
    world.ask({ ...request, name: 'other' })
    const asked = world.newest()
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'AGENTS.md'), 'not shown to anybody')
    const payload = asked.payload.replace('other', 'librarian')
    expect(() => world.kinds.agent.carryOut({ ...asked, payload })).toThrow(
      expect.objectContaining({ code: 'conflict', message: expect.stringContaining('choose another name') }),
    )
    expect(world.registry.exists(NEW)).toBe(false)
  })

  test('is made after a kill amid its making', () => {
    world.ask(request)
    mkdirSync(world.agentPaths.groupDir(NEW))
    writeFileSync(join(world.agentPaths.groupDir(NEW), 'AGENTS.md.new'), '# Who')
    expect(world.kinds.agent.carryOut(world.newest())).toContain('is there')
    expect(world.registry.instructions(NEW).text).toBe('# Who you are\n\nYou keep **books**.\n')
  })

  test('is not made for an agent that is gone, or by a payload that was changed', async () => {
    world.ask(request)
    const id = world.newest().id
    world.db
      .prepare("UPDATE approval SET payload = replace(payload, 'librarian', 'other') WHERE id = ?")
      .run(id)
    world.says(world.approve())
    await world.work()
    expect(world.registry.names()).toEqual([GARDEN])
    expect(() =>
      world.kinds.agent.carryOut({
        ...world.newest(),
        group: KITCHEN,
        payload: JSON.stringify({ name: 'a', about: '', instructions: 'b' }),
      }),
    ).toThrow('no agent kitchen')
    expect(world.roles.isOwner(OWNER)).toBe(true)
  })
})
