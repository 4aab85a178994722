import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApprovalWorld } from '../../test/rig/approval-world.ts'
import { GARDEN } from '../../test/rig/host-tables.ts'
import type { ChatId, UserId } from '../domain/ids.ts'

const REVIEW = { sha256: 'b'.repeat(64), bytes: 7 }

let world: ApprovalWorld
beforeEach(() => {
  world = new ApprovalWorld()
  world.registry.add(GARDEN, {})
  write('Look at the `harbour` page.')
})
afterEach(() => world[Symbol.dispose]())

function write(body: string, name = 'tides'): void {
  const folder = join(world.agentPaths.workspace(GARDEN), name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'SKILL.md'),
    `---\nname: ${name}\ndescription: When is high water\n---\n${body}\n`,
  )
}

async function staged(name = 'tides'): Promise<string> {
  const { sha256 } = await world.drafts.stage(GARDEN, name, new Set(), async () => REVIEW)
  return sha256
}

async function ask(name = 'tides'): Promise<string> {
  const sha256 = await staged(name)
  world.ask({ kind: 'skill', sha256, reason: 'you ask each week' })
  return sha256
}

const placed = (name = 'tides') => join(world.agentPaths.groupSkills(GARDEN), name, 'SKILL.md')
const cards = () => world.said(world.newest().cardChatId as ChatId)

describe('a skill', () => {
  test('is shown with its file ahead of the card, let in once as it was then, pinned, and told with a new sandbox', async () => {
    const sha256 = await ask()
    await world.deliver()
    const { card } = world.newest()
    for (const shown of [
      ...['`tides`', '`When is high water`', "`Look at the 'harbour' page.`", `\`${sha256}\``, 'whole:'],
      ...['`SKILL.md` ', '`you ask each week`'],
    ])
      expect(card).toContain(shown)
    expect(cards().join('\n')).toContain('skill-tides.txt')
    expect(cards().findIndex((part) => part.includes('skill-tides.txt'))).toBeLessThan(
      cards().findIndex((part) => part.includes('Creel asks you to decide')),
    )
    write('Something else.')
    world.renewed = false
    world.says(world.approve())
    await world.work()
    expect(readFileSync(placed(), 'utf8')).toContain('harbour')
    expect(world.drafts.standing(GARDEN, 'tides')).toBe(sha256)
    expect(world.words()).toEqual([])
    expect(world.newest()).toMatchObject({ state: 'done', cardSettled: true })
    world.renewed = true
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('The skill tides is yours')])
  })

  test('that is long is shown as far as it fits, with word of the rest', async () => {
    write(Array.from({ length: 200 }, (_, n) => `Line ${n} of what it does, and a little more.`).join('\n'))
    await ask()
    expect(world.newest().card).toContain('the rest is in the file above')
    expect(world.newest().card).not.toContain('Line 199')
    expect(world.newest().card.length).toBeLessThan(6_000)
  })

  test('whose lines have Windows ends is shown whole, and not said to be when a line is too long', async () => {
    write('First ⚠️.\r\n\tsecond.\r\n\r\n')
    await ask()
    expect(world.newest().card).toContain('whole:')
    expect(world.newest().card).toContain('`second.`')
    write(`First.\n${'x'.repeat(500)}`)
    await ask()
    expect(world.newest().card).toContain('the rest is in the file above')
    expect(world.newest().card).not.toContain('whole:')
  })

  test.each([
    ['a lone carriage return', 'First.\rsecond.\n\n', 'Line 5 of its SKILL.md has U+000D'],
    ['one at the end', 'First.\r\r\nsecond.', 'U+000D'],
    ['as many as hide a line', `a\rb\rc\n${'x'.repeat(500)}\nhidden`, 'U+000D'],
    ['tags', 'First\u{E0041}\u{E0042}.', 'U+E0041'],
    ['a bidi control', 'First \u202Etsrif.', 'U+202E'],
    ['a zero width space', 'Fi\u200Brst.', 'U+200B'],
    ['a byte order mark inside', 'Fi\uFEFFrst.', 'U+FEFF'],
    ['a variation selector', 'First\u{E0101}.', 'U+E0101'],
    ['an escape sequence', 'First \u001B[8mhidden.', 'U+001B'],
    ['a line separator', 'First.\u2028second.', 'U+2028'],
    ['a filler', 'First.\u3164', 'U+3164'],
    ['a line that nobody sees', 'First.\n\u2800\u2800\n', 'Line 6 of its SKILL.md has only characters'],
  ])('with %s is not asked for, for nobody would see it', async (_, body, why) => {
    write(body)
    await ask()
    expect(world.newest()).toMatchObject({ state: 'denied', outcome: expect.stringContaining(why) })
  })

  test('is let in by no member, not late, and not when its row was changed', async () => {
    await ask()
    expect(world.says(world.approve(), 'fake:alice' as UserId)).toBe(true)
    await world.work()
    expect(existsSync(placed())).toBe(false)
    world.db
      .prepare("UPDATE approval SET payload = replace(payload, 'high water', 'low water') WHERE id = ?")
      .run(world.newest().id)
    world.says(world.approve())
    await world.work()
    expect(world.newest().state).toBe('failed')
    write('Another one.')
    await ask()
    await world.clock.advance(25 * 3_600_000)
    world.says(world.approve())
    await world.work()
    expect(world.newest().state).toBe('expired')
    expect(existsSync(placed())).toBe(false)
  })

  test('takes the place of the one that stood there when it was asked, says so, and of no other', async () => {
    await ask()
    world.says(world.approve())
    await world.work()
    write('Better.')
    await ask()
    expect(world.newest().card).toContain('takes the place')
    const better = world.approve()
    write('Best.')
    await ask()
    world.says(better)
    await world.work()
    expect(readFileSync(placed(), 'utf8')).toContain('Better')
    world.says(world.approve())
    await world.work()
    expect(world.newest()).toMatchObject({
      state: 'failed',
      outcome: expect.stringContaining('another skill'),
    })
    expect(readFileSync(placed(), 'utf8')).toContain('Better')
  })

  test('is not asked for when it is there, was not looked at, or container.json has no room for it', async () => {
    const sha256 = await ask()
    world.says(world.approve())
    await world.work()
    world.ask({ kind: 'skill', sha256, reason: 'again' })
    expect(world.newest()).toMatchObject({ state: 'done', outcome: expect.stringContaining('exactly') })
    world.ask({ kind: 'skill', sha256: 'c'.repeat(64), reason: 'x' })
    expect(world.newest().outcome).toContain('never looked at')
    world.registry.remove(GARDEN)
    world.registry.add(GARDEN, { skills: ['pdf'] })
    write('x')
    await ask()
    expect(world.newest().outcome).toContain('names the skills')
  })

  test('is carried out again after a kill with the same end', async () => {
    await ask()
    world.says(world.approve())
    const approval = world.newest()
    await world.kinds.skill.carryOut(approval)
    await world.work()
    expect(world.newest().state).toBe('done')
    expect(world.words()).toHaveLength(1)
  })
})
