import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Core } from '../../src/core.ts'
import type { GroupName, UserId } from '../../src/domain/ids.ts'
import { CliRig } from './cli-rig.ts'

const ANN = 'telegram:5' as UserId
const HOME = 'home' as GroupName

let cli: CliRig
beforeEach(async () => {
  cli = new CliRig()
  await cli.run('group', 'add', 'home')
})
afterEach(() => cli[Symbol.dispose]())

function withCore(work: (core: Core) => void): void {
  using core = cli.core()
  work(core)
}

/** Ann has said two things: one is done, one waits to be let in. */
function said(): void {
  withCore((core) => {
    const now = core.clock.now()
    const base = {
      address: { channel: 'telegram', account: 'main', chat: '5' },
      ...{ chatKind: 'private' as const, chatTitle: 'Ann', sentAt: now, mentionsUs: true },
      sender: { id: ANN, name: 'Ann\u001B[31m', isBot: false },
    }
    core.inbound.record({ ...base, platformMessageId: '1', text: 'my secret' }, now)
    core.inbound.record({ ...base, platformMessageId: '2', text: 'another' }, now)
    const chat = core.directory.chats().find(({ title }) => title === 'Ann')
    const first = chat && core.inbound.nextNew(chat.id)
    if (!first) throw new Error('nothing was recorded')
    core.inbound.routed(first.id, 'heard', null, [], now)
    core.roles.grant(ANN, 'member', HOME, now)
  })
}

describe('creel users', () => {
  it('lists and shows who is known, with roles and what they wrote, and nothing that a terminal obeys', async () => {
    expect((await cli.run('users', 'list')).out).toContain('nobody has written yet')
    said()
    const { out } = await cli.run('users', 'list')
    expect(out).toMatch(/telegram:5 +Ann\S* +member of home +2/)
    expect(out).not.toContain('\u001B')
    expect(await cli.json('users', 'show', ANN)).toMatchObject({
      ...{ user: ANN, messages: 2, isBot: false },
      roles: [{ role: 'member', group: 'home' }],
    })
    expect((await cli.run('users', 'show', 'telegram:6')).err).toContain('nobody is known as telegram:6')
    expect((await cli.run('user', 'list')).out).toBe(out)
  })

  it('has a time zone for each of them, which is forgotten with them', async () => {
    said()
    expect((await cli.run('users', 'zone', ANN)).out).toBe('telegram:5: none of their own\n')
    expect((await cli.run('users', 'zone', ANN, 'asia/tokyo')).out).toBe('telegram:5: Asia/Tokyo\n')
    expect((await cli.run('users', 'show', ANN)).out).toContain('time zone: Asia/Tokyo')
    const { err, code } = await cli.run('users', 'zone', ANN, 'tokyo')
    expect([code, err]).toEqual([1, expect.stringContaining('an IANA name such as Asia/Tokyo')])
    expect(await cli.json('users', 'zone', ANN, 'default')).toEqual({ user: ANN, zone: null })
    await cli.run('users', 'zone', ANN, 'Europe/Berlin')
    await cli.run('users', 'forget', ANN)
    withCore((core) => expect(core.people.zone(ANN)).toBeNull())
    expect((await cli.run('users', 'zone', 'telegram:6', 'UTC')).err).toContain('nobody is known as')
  })

  it('forget a person: roles, name and words, once and for all', async () => {
    said()
    expect(await cli.json('users', 'forget', ANN)).toEqual({ user: ANN, roles: 1, messages: 2, kept: 0 })
    withCore((core) => {
      expect(core.inbound.held()).toEqual([])
      expect(core.inbound.chatsWithNew()).toEqual([])
      expect(core.roles.roles(ANN, HOME)).toEqual([])
    })
    expect(await cli.json('users', 'show', ANN)).toMatchObject({ name: '', messages: 2, roles: [] })
    expect(await cli.json('users', 'forget', ANN)).toMatchObject({ roles: 0, messages: 0 })
  })

  it('keep the only owner, and what is being worked on', async () => {
    said()
    await cli.run('roles', 'grant', ANN, 'owner')
    expect((await cli.run('users', 'forget', ANN)).err).toContain('telegram:5 is the only owner')
    await cli.run('roles', 'grant', 'telegram:7', 'owner')
    withCore((core) => {
      const chat = core.directory.chats().find(({ title }) => title === 'Ann')
      const next = chat && core.inbound.nextNew(chat.id)
      if (!next) throw new Error('nothing waits')
      core.inbound.routed(next.id, 'routed', null, [{ group: HOME, session: 's' }], core.clock.now())
    })
    expect(await cli.json('users', 'forget', ANN)).toMatchObject({ roles: 2, messages: 1, kept: 1 })
    expect((await cli.run('users', 'forget', ANN)).out).toContain('1 are being worked on')
  })
})
