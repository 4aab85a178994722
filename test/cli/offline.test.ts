import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PROVIDERS } from '../../src/config/schema.ts'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

describe('without a host, agents', () => {
  it('are made, listed, shown and removed; the folder is kept', async () => {
    expect((await cli.run('group', 'list')).out).toContain('creel group add main')
    const added = await cli.run('group', 'add', 'home')
    expect(added).toMatchObject({ code: 0, out: expect.stringContaining(join(cli.groupsDir, 'home')) })
    expect(await cli.json('group', 'list')).toEqual([
      { group: 'home', provider: 'demo', state: 'asleep', problem: null, waiting: 0 },
    ])
    expect((await cli.run('group', 'list')).out).toMatch(/^agent +provider +state.*\nhome +demo +asleep/)
    const shown = await cli.json<{ config: object; chats: { chat: object }[] }>('group', 'show', 'home')
    expect(shown).toMatchObject({ group: 'home', config: { provider: 'demo', concurrency: 4 } })
    expect(shown.chats.map(({ chat }) => chat)).toMatchObject([
      { address: { channel: 'web', chat: 'home' } },
      { address: { channel: 'terminal', chat: 'home' } },
    ])
    const { movedTo } = await cli.json<{ movedTo: string }>('group', 'remove', 'home')
    expect(readFileSync(join(movedTo, 'AGENTS.md'), 'utf8')).toContain('Who you are')
    expect(existsSync(join(cli.groupsDir, 'home'))).toBe(false)
    expect(await cli.json('group', 'list')).toEqual([])
  })

  it.each([
    [['group', 'add', 'Home!'], 'group name: expected a-z, 0-9 and -, at most 31 characters, got “Home!”'],
    [['group', 'add', 'x', '--provider', 'nope'], `provider: expected ${PROVIDERS.join(' or ')}, got nope`],
    [['group', 'show', 'nobody'], 'there is no group nobody (there is: home)'],
    [['group', 'remove', '../home'], 'group name: expected a-z'],
    [['group', 'add', 'home'], 'the group home exists already'],
    [['bind', '99', 'home'], 'there is no chat 99'],
    [['allow', 'c99'], 'nobody waits under the code c99'],
    [['unbind', 'telegram:1'], 'there is no chat telegram:1'],
    [['logs', '-n', 'many'], '--lines: expected a number, got many'],
    [['roles', 'revoke', 'telegram:1', 'owner'], 'telegram:1 does not have that role'],
    [['roles', 'grant', 'ann', 'member'], 'user: expected a platform id with its channel'],
    [['roles', 'grant', 'telegram:1', 'admin'], 'admin is a role of one group'],
    [['roles', 'grant', 'telegram:1', 'owner', '--group', 'home'], 'owner is a role of the whole install'],
    [['bench', 'speed'], 'there is no bench speed'],
  ])('%j is refused in one sentence', async (args, message) => {
    await cli.run('group', 'add', 'home')
    const { code, err } = await cli.run(...args)
    expect(err).toContain(`creel: ${message}`)
    expect(err).not.toContain('    at ')
    expect(code).toBe(1)
  })

  it('with broken settings are listed with their problem, and the others as ever', async () => {
    await cli.run('group', 'add', 'good')
    await cli.run('group', 'add', 'bad')
    const file = join(cli.groupsDir, 'bad', 'container.json')
    writeFileSync(file, '{"provider": "demo", "limits": {"memory_mb": "much"}}')
    const [bad, good] = await cli.json<{ problem: string | null }[]>('group', 'list')
    expect(bad?.problem).toBe(`${file}: limits.memory_mb: expected number, got "much"`)
    expect(good?.problem).toBeNull()
  })
})

describe('without a host, chats', () => {
  it('wait until somebody lets them in, and are bound then', async () => {
    await cli.run('group', 'add', 'home')
    expect((await cli.run('waiting')).out).toBe('nobody waits\n')
    cli.holdMessage()
    const [line] = await cli.json<{ code: string }[]>('waiting')
    expect(line).toMatchObject({
      code: expect.stringMatching(/^c\d+$/),
      count: 1,
      who: 'Ann (telegram:5)',
      where: 'telegram: Gardeners',
      since: expect.any(Number),
    })
    const allowed = await cli.run('allow', line?.code ?? '')
    expect(allowed.out).toBe('“Gardeners” is answered by home now; the waiting message is being answered.\n')
    expect(await cli.json('waiting')).toEqual([])
    const chats = await cli.json<{ label: string; bindings: object[] }[]>('chats')
    expect(chats.find(({ label }) => label === 'telegram:-100123')).toEqual({
      chat: expect.any(Number),
      label: 'telegram:-100123',
      kind: 'group',
      title: 'Gardeners',
      denied: false,
      bindings: [
        {
          group: 'home',
          engage: 'mention',
          session: 'shared',
          senders: 'ask',
          queue: 'follow_up',
          whenFull: 'keep',
          debounceMs: 0,
          exists: true,
        },
      ],
    })
  })

  it('are refused for good', async () => {
    await cli.run('group', 'add', 'home')
    cli.holdMessage()
    const [line] = await cli.json<{ code: string }[]>('waiting')
    expect((await cli.run('deny', line?.code ?? '')).out).toContain('1 waiting message was dropped')
    expect((await cli.run('chats')).out).toContain('(refused)')
  })

  it('are bound and unbound by label or number', async () => {
    await cli.run('group', 'add', 'home')
    cli.holdMessage()
    const bound = await cli.json(
      'bind',
      'telegram:-100123',
      'home',
      '--engage',
      'pattern',
      '--pattern',
      '^bot',
    )
    expect(bound).toMatchObject({
      label: 'telegram:-100123',
      released: 1,
      bindings: [{ group: 'home', engage: 'pattern', pattern: '^bot' }],
    })
    expect((await cli.run('chats')).out).toMatch(/home +pattern \^bot +shared +ask/)
    const unbound = await cli.json('unbind', 'telegram:-100123')
    expect(unbound).toEqual({ chat: expect.any(Number), label: 'telegram:-100123', removed: 1 })
    expect((await cli.run('unbind', 'telegram:-100123', 'home')).err).toContain('no such binding')
    expect((await cli.run('bind', 'telegram:-100123', 'home', '--engage', 'pattern')).err).toContain(
      '--pattern',
    )
  })

  it('say what happens when many messages wait, and how long a sentence takes', async () => {
    await cli.run('group', 'add', 'home')
    cli.holdMessage()
    const bind = (...more: string[]) => cli.run('bind', 'telegram:-100123', 'home', ...more)
    await bind('--when-full', 'summarise', '--debounce', '1500')
    expect((await cli.run('chats')).out).toMatch(/follow_up, summarise, 1500 ms/)
    expect((await bind('--debounce', '2s')).err).toContain('expected milliseconds from 0 to 10000, got 2s')
    expect((await bind('--when-full', 'drop')).err).toContain('Allowed choices are keep, summarise, reject')
    await bind()
    expect((await cli.run('chats')).out).not.toContain('summarise')
  })
})

describe('without a host', () => {
  it('roles are granted, listed and revoked', async () => {
    await cli.run('group', 'add', 'home')
    expect((await cli.run('roles', 'list')).out).toContain('nobody yet')
    expect((await cli.run('roles', 'grant', 'telegram:5', 'member', '--group', 'home')).out).toBe(
      'telegram:5 is member in home\n',
    )
    expect(await cli.json('roles', 'list')).toMatchObject([
      { user: 'telegram:5', role: 'member', group: 'home' },
    ])
    expect((await cli.run('roles', 'revoke', 'telegram:5', 'member', '--group', 'home')).out).toBe(
      'telegram:5 is no longer member in home\n',
    )
    expect(await cli.json('roles', 'list')).toEqual([])
  })

  it('status says so and ends with 3', async () => {
    await cli.run('group', 'add', 'home')
    const ran = await cli.run('status')
    expect(ran).toMatchObject({ code: 3, out: expect.stringContaining('not running: creel up') })
    const status = await cli.json('status')
    expect(Object.keys(status as object).sort()).toEqual([
      ...['ambiguousSends', 'channels', 'engineProblem', 'failedSends', 'groups', 'held', 'lastFailures'],
      ...['loopDelay', 'openApprovals', 'overdueTasks', 'running', 'unsent', 'waitingToBeRouted', 'web'],
    ])
    expect(status).toMatchObject({ running: false, groups: [{ group: 'home', failed: 0 }] })
  })

  it('a login link can be made', async () => {
    const { url } = await cli.json<{ url: string }>('link')
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:4280\/login\?token=\S{20,}$/)
    expect((await cli.run('link')).out.trim()).not.toBe(url)
  })

  it('down and chat say that nothing runs', async () => {
    await cli.run('group', 'add', 'home')
    expect(await cli.run('down')).toMatchObject({ code: 0, out: 'Creel is not running\n' })
    for (const args of [['chat'], ['chat', 'home', '-m', 'x']]) {
      expect(await cli.run(...args)).toMatchObject({
        code: 1,
        err: 'creel: Creel is not running\n  what to do: ./creel up\n',
      })
    }
  })

  it('logs shows the lines of one agent, and that its sandbox cannot be asked', async () => {
    expect(await cli.run('logs')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no log yet'),
    })
    await cli.run('group', 'add', 'home')
    mkdirSync(join(cli.dataDir, 'logs'))
    const lines = [1, 2, 3, 4].map((n) => JSON.stringify({ n, group: n % 2 ? 'home' : 'other' }))
    writeFileSync(join(cli.dataDir, 'logs', 'host.log'), `${lines.join('\n')}\n`)
    expect((await cli.run('logs', '-n', '2')).out).toBe(`${lines[2]}\n${lines[3]}\n`)
    const home = await cli.run('logs', 'home')
    expect(home.out).toBe(`${lines[0]}\n${lines[2]}\n`)
    expect(home.err).toContain('Creel is not running')
  })
})
