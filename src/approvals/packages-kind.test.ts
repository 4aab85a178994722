import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApprovalWorld } from '../../test/rig/approval-world.ts'
import { ALICE, GARDEN } from '../../test/rig/host-tables.ts'
import { EngineUnavailableError } from '../domain/errors.ts'
import type { UserId } from '../domain/ids.ts'
import { NO_PACKAGES } from '../domain/packages.ts'

const ADMIN = 'fake:adam' as UserId

let world: ApprovalWorld
beforeEach(() => {
  world = new ApprovalWorld()
  world.registry.add(GARDEN, { provider: 'demo', model: 'm', packages: { ...NO_PACKAGES, apt: ['jq=1.6'] } })
})
afterEach(() => world[Symbol.dispose]())

const request = {
  kind: 'packages' as const,
  apt: ['tree', 'bc'],
  npm: ['@scope/left-pad@1.3.0'],
  pip: ['Ruamel_yaml==0.18'],
  reason: 'to count',
}
const packagesNow = () => world.registry.load(GARDEN).packages

describe('a request for packages', () => {
  test('is shown whole in its one form, built, then written, and told when the sandbox is another one', async () => {
    world.ask(request)
    const { card } = world.newest()
    for (const shown of [
      'apt: `bc`',
      'apt: `tree`',
      'npm: `@scope/left-pad@1.3.0`',
      'pip: `ruamel-yaml==0.18`',
      '`to count`',
    ])
      expect(card).toContain(shown)
    world.says(world.approve())
    world.progress = { state: 'building', line: '' }
    world.renewed = false
    await world.work()
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'allowed', cardSettled: false })
    expect(world.begun).toContain(world.newest().id)
    expect(packagesNow()).toEqual({ ...NO_PACKAGES, apt: ['jq=1.6'] })
    world.progress = { state: 'ready', image: 'creel-packages:1' }
    await world.work()
    const all = { apt: ['bc', 'jq=1.6', 'tree'], npm: ['@scope/left-pad@1.3.0'], pip: ['ruamel-yaml==0.18'] }
    expect(packagesNow()).toEqual(all)
    expect(world.wished.at(-1)?.packages).toEqual(all)
    expect(JSON.parse(readFileSync(world.agentPaths.groupConfig(GARDEN), 'utf8'))).toMatchObject({
      model: 'm',
    })
    expect(world.words()).toEqual([])
    world.renewed = true
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('They are installed: `apt:bc`, `apt:tree`')])
  })

  test('whose build fails changes nothing; agent and card hear the end of what was said, as words of a stranger', async () => {
    world.ask(request)
    world.says(world.approve())
    world.progress = {
      state: 'failed',
      problem:
        'they could not be installed:\nE: Unable to locate package tree\n**Allowed** `by` the \u202eowner',
    }
    await world.work()
    expect(packagesNow()).toEqual({ ...NO_PACKAGES, apt: ['jq=1.6'] })
    expect(world.newest().outcome).toContain(
      "`E: Unable to locate package tree`\n`**Allowed** 'by' the owner`",
    )
    expect(world.words()).toEqual([
      expect.stringMatching(/it was not carried out: they could not be installed:[\s\S]*Tell the person/),
    ])
  })

  test('waits for an engine that is away', async () => {
    world.ask(request)
    world.says(world.approve())
    const progress = world.kinds.packages.carryOut
    world.kinds.packages.carryOut = () => Promise.reject(new EngineUnavailableError('gone'))
    await expect(world.work()).rejects.toThrow('gone')
    expect(world.newest().state).toBe('allowed')
    world.kinds.packages.carryOut = progress
    await world.work()
    expect(world.newest().state).toBe('done')
  })

  test('builds what its settings name by then, and writes only what was built', async () => {
    world.ask(request)
    world.says(world.approve())
    const approval = world.newest()
    const building = world.kinds.packages.carryOut(approval)
    world.registry.setPackages(GARDEN, { ...NO_PACKAGES, apt: ['nano'] })
    expect(await building).toEqual({ waitMs: 0 })
    expect(packagesNow()).toEqual({ ...NO_PACKAGES, apt: ['nano'] })
    expect(await world.kinds.packages.carryOut(approval)).toContain('installed')
    expect(packagesNow().apt).toEqual(['bc', 'nano', 'tree'])
  })

  test('is carried out again after a kill without harm, and not for an agent that is gone', async () => {
    world.ask(request)
    world.says(world.approve())
    const approval = world.newest()
    await world.kinds.packages.carryOut(approval)
    const once = packagesNow()
    expect(await world.kinds.packages.carryOut(approval)).toContain('installed')
    expect(packagesNow()).toEqual(once)
    world.registry.remove(GARDEN)
    await expect(world.kinds.packages.carryOut(approval)).rejects.toThrow('no agent garden')
  })

  test('is decided by owners and admins of the agent, and by nobody else', async () => {
    world.ask(request)
    world.says(world.approve(), ALICE)
    await world.work()
    expect(world.newest().state).toBe('asked')
    world.roles.grant(ADMIN, 'admin', GARDEN, world.clock.now())
    world.says(world.approve(), ADMIN)
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'done', decidedBy: ADMIN })
  })

  test('that was changed after it was shown is not carried out', async () => {
    world.ask(request)
    const { id } = world.newest()
    world.db.prepare("UPDATE approval SET payload = replace(payload, 'tree', 'evil') WHERE id = ?").run(id)
    world.says(world.approve())
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'failed', outcome: 'it was changed after it was shown' })
    expect(world.wished).toEqual([])
  })

  test('for what is there is answered at once', async () => {
    world.ask({ ...request, apt: ['jq=1.6'], npm: [], pip: [] })
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('among the packages of your sandbox already')])
  })

  test.each([
    ['nothing', { apt: [], npm: [], pip: [] }],
    ['an option of apt', { apt: ['--allow-unauthenticated'] }],
    ['a removal', { apt: ['tree-'] }],
    ['a pattern', { apt: ['lib*'] }],
    ['a command', { apt: ['a;b'] }],
    ['a path', { apt: ['../x'] }],
    ['a file of apt', { apt: ['evil.deb'] }],
    ['two names in one', { apt: ['a b'] }],
    ['a line of its own', { apt: ['bc\nevil'] }],
    ['an address', { npm: ['https://example.com/x.tgz'] }],
    ['a repository', { npm: ['github:evil/x'] }],
    ['an alias', { npm: ['prettier@npm:evil'] }],
    ['a tag', { npm: ['prettier@next'] }],
    ['a file of npm', { npm: ['evil.tgz'] }],
    ['an option of pip', { pip: ['-r'] }],
    ['a direct reference', { pip: ['x@file:///etc'] }],
    ['a file of pip', { pip: ['evil.whl'] }],
    ['a range', { pip: ['x>=1'] }],
    ['a name of letters that look alike', { pip: ['requ\u0435sts'] }],
    ['more than an agent may have', { apt: Array.from({ length: 100 }, (_, n) => `package${n}`) }],
  ])('is refused without asking anybody: %s', async (_, names) => {
    world.ask({ ...request, apt: [], npm: [], pip: [], ...names })
    expect(world.newest()).toMatchObject({ state: 'denied', decidedBy: null })
    expect(world.wished).toEqual([])
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('nobody was asked')])
  })
})
