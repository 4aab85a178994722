import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { egressRule } from '../../src/domain/egress-rules.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { EgressLine } from '../../src/domain/ports/egress-log.ts'
import type { RuleLine } from '../../src/operator/egress-commands.ts'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
beforeEach(async () => {
  cli = new CliRig()
  await cli.run('group', 'add', 'home')
  await cli.run('group', 'add', 'work')
})
afterEach(() => cli[Symbol.dispose]())

const HOME = 'home' as GroupName
const HOUR = 3_600_000

function settings(group: string, config: object): void {
  writeFileSync(join(cli.groupsDir, group, 'container.json'), JSON.stringify(config))
}

const list = (...args: string[]) => cli.json<RuleLine[]>('egress', 'list', ...args)

describe('rules', () => {
  it('of every source are listed with where they come from', async () => {
    cli.typed.push('t0ken-of-github')
    await cli.run('vault', 'set', 'github', '--host', 'api.github.com', '--path', '/repos/acme')
    settings('home', { egress: ['*.example.com', 'http://old.example'], secrets: ['github'] })
    expect((await list()).map(({ id, group, text, from }) => [id, group, text, from])).toEqual([
      [null, 'home', '*.example.com', 'container.json'],
      [null, 'home', 'old.example:80', 'container.json'],
      [null, 'home', 'api.github.com/repos/acme', 'secret github'],
    ])
    await cli.run('egress', 'deny', 'a.example.com', '--all')
    await cli.run('egress', 'allow', 'b.example', '--group', 'work', '--for', '2h')
    const { out } = await cli.run('egress', 'list', '--group', 'home')
    expect(out).toMatch(
      /^nr +agent +host +from +until\n- +home +allow +\*\.example\.com +container\.json +-\n/,
    )
    expect(out).toMatch(/\n1 +all +deny +a\.example\.com +command line +-\n/)
    expect(out).not.toContain('b.example')
    expect(await list('--group', 'work')).toMatchObject([{ id: 1 }, { id: 2, group: 'work', ended: false }])
  })

  it('are nothing at first, and a broken container.json keeps the others from no list', async () => {
    expect((await cli.run('egress', 'list')).out).toContain('no agent may reach anything: creel egress allow')
    writeFileSync(join(cli.groupsDir, 'home', 'container.json'), '{')
    settings('work', { egress: ['a.example'] })
    expect(await list()).toMatchObject([{ group: 'work', text: 'a.example' }])
  })

  it('are given with all their parts', async () => {
    const ran = await cli.run(
      ...['egress', 'allow', 'nas.lan', '--group', 'home', '--private', '--port', '80', '8080'],
      ...['--method', 'GET', '--path', '/a', '/b', '--for', '30m', '--once'],
    )
    expect(ran.out).toMatch(
      /^home may reach GET nas\.lan:\{80,8080\}\{\/a,\/b\} \(private\) until .{19}, until 10 minutes after .* \(rule 1\)\n! .*without TLS/,
    )
    using core = cli.core()
    const [rule] = core.egressRules.all()
    expect(rule).toMatchObject({
      ...{ group: HOME, effect: 'allow', once: true, by: 'command line', firstUsedAt: null },
      rule: { host: 'nas.lan', ports: [80, 8080], methods: ['GET'], paths: ['/a', '/b'], private: true },
    })
    const lasts = (rule?.expiresAt ?? 0) - core.clock.now()
    expect(lasts).toBeGreaterThan(HOUR / 2 - 60_000)
    expect(lasts).toBeLessThanOrEqual(HOUR / 2)
  })

  it('that deny take the place of those that allow, and are taken back by their number', async () => {
    await cli.run('egress', 'allow', 'example.com', '--group', 'home')
    expect((await cli.run('egress', 'deny', 'example.com', '--group', 'home')).out).toBe(
      'home is kept from example.com (rule 2)\n',
    )
    expect(await list()).toMatchObject([{ id: 2, effect: 'deny' }])
    expect((await cli.run('egress', 'remove', '2')).out).toBe('rule 2 is gone: deny example.com\n')
    expect(await list()).toEqual([])
  })

  it('say so when another one still denies, or when they give much away', async () => {
    await cli.run('egress', 'deny', '*.example.com', '--all')
    const { out } = await cli.run('egress', 'allow', 'a.example.com', '--group', 'home')
    expect(out).toContain('! rule 1 still denies it\n    what to do: creel egress remove 1')
    const wide = await cli.json<{ warnings: object[] }>('egress', 'allow', '*.github.io', '--group', 'home')
    expect(wide.warnings).toMatchObject([{ text: expect.stringContaining('anybody can have') }])
  })

  it('of an agent go with it', async () => {
    await cli.run('egress', 'allow', 'example.com', '--group', 'home')
    await cli.run('egress', 'allow', 'example.org', '--all')
    await cli.run('group', 'remove', 'home')
    await cli.run('group', 'add', 'home')
    expect(await list('--group', 'home')).toMatchObject([{ group: null, text: 'example.org' }])
  })

  it.each([
    [
      ['allow', 'example.com'],
      'expected either one agent or all, got neither',
      '--group NAME (there is: home, work) or --all',
    ],
    [
      ['deny', 'example.com', '--all', '--group', 'home'],
      'expected either one agent or all, got both',
      '--all',
    ],
    [['allow', 'example.com', '--group', 'nobody'], 'there is no group nobody', 'group add nobody'],
    [['allow', 'exa mple', '--all'], 'host: expected a host such as example.com', 'example.com'],
    [
      ['allow', '10.0.0.1', '--all'],
      'host: expected "private": true beside an address that is not public',
      '',
    ],
    [['allow', '*', '--all', '--private'], 'host: expected a host or a domain of your own', ''],
    [['allow', 'bücher.example', '--all'], 'write xn--bcher-kva.example', ''],
    [['allow', 'example.com', '--all', '--port', '70000'], 'ports: expected numbers from 1 to 65535', ''],
    [['allow', 'example.com', '--all', '--port', 'https'], '--port: expected a number, got https', ''],
    [['allow', 'example.com', '--all', '--path', 'a'], 'paths: expected plain paths', ''],
    [
      ['allow', 'example.com', '--all', '--for', 'ever'],
      '--for: expected a time such as 15m, 2h or 3d, got ever',
      '',
    ],
    [['remove', '7'], 'there is no rule 7', 'creel egress list shows the numbers'],
    [['remove', 'example.com'], 'number: expected a number, got example.com', ''],
    [['log', '--since', 'x'], '--since: expected a time such as', ''],
  ])('%j is refused with what to do', async (args, message, hint) => {
    const { code, err } = await cli.run('egress', ...args)
    expect(code).toBe(1)
    expect(err).toContain(message)
    expect(err).toContain(hint)
    expect(await list()).toEqual([])
  })
})

describe('the log', () => {
  function record(...lines: Partial<EgressLine>[]): UnixMs {
    using core = cli.core()
    const at = core.clock.now()
    const usual = {
      group: HOME,
      at,
      host: 'example.com',
      port: 443,
      method: 'GET',
      path: '/a',
      outcome: 'allowed',
    }
    const counts = { status: 200, reason: null, bytesOut: 100, bytesIn: 20_000, ms: 5, count: 1 }
    const all = lines.map((line) => ({ ...usual, ...counts, ...line }) as EgressLine)
    core.egressLog.write(
      all,
      all.map(({ group, host, outcome, count, bytesOut, bytesIn, at: when }) => ({
        ...{ group, host, outcome, count, bytesOut, bytesIn },
        hour: (when - (when % HOUR)) as UnixMs,
      })),
    )
    return at
  }

  it('is empty at first', async () => {
    expect((await cli.run('egress', 'log')).out).toBe('nothing left, and nothing was turned away\n')
    expect(await cli.json('egress', 'log', '--totals')).toEqual([])
  })

  it('is shown newest first, by agent, outcome and time', async () => {
    const at = record({ at: 1_000 as UnixMs, path: '/old' }, {}, { group: 'work' as GroupName })
    record({
      outcome: 'denied',
      host: 'evil.example',
      port: 8443,
      status: null,
      reason: 'no rule',
      count: 12,
    })
    const { out } = await cli.run('egress', 'log', '--group', 'home')
    const lines = out.trim().split('\n')
    expect(lines).toHaveLength(4)
    expect(lines[1]).toMatch(/home +denied +GET evil\.example:8443\/a +- +12 +100 bytes +20 kB +no rule$/)
    expect(await cli.json('egress', 'log', '--denied')).toMatchObject([{ host: 'evil.example' }])
    expect(await cli.json('egress', 'log', '--outcome', 'failed')).toEqual([])
    expect(await cli.json<object[]>('egress', 'log', '--since', '1h')).toHaveLength(3)
    expect(await cli.json<object[]>('egress', 'log', '-n', '1')).toHaveLength(1)
    expect(await cli.json('egress', 'log', '--totals', '--since', '1d')).toMatchObject([
      { group: 'home', host: 'evil.example', outcome: 'denied', count: 12, hour: at - (at % HOUR) },
      { group: 'home', host: 'example.com', count: 1, bytesIn: 20_000 },
      { group: 'work' },
    ])
    expect((await cli.run('egress', 'log', '--totals')).out).toMatch(/^agent +host +times +out +in +last/)
    expect((await cli.run('egress', 'log', '--denied', '--outcome', 'allowed')).err).toContain(
      'cannot be used with',
    )
  })

  it('obeys nothing that a sandbox put into it', async () => {
    record({ host: 'a\u001b[2J\u202e.example', path: '/\nhome allowed GET fake' })
    const { out } = await cli.run('egress', 'log')
    expect(out.trim().split('\n')).toHaveLength(2)
    expect(out).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
    const json = await cli.run('egress', 'log', '--json')
    expect(json.out).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
  })
})

it('a rule that was given by an answer shows who gave it', async () => {
  const rule = egressRule('example.com')
  const given = { group: HOME, effect: 'allow', once: true, by: 'telegram:5', expiresAt: null } as const
  {
    using core = cli.core()
    core.egressRules.add({ ...given, rule }, core.clock.now())
  }
  expect((await cli.run('egress', 'list')).out).toMatch(/1 +home +allow +example\.com +telegram:5 +once, 2/)
})
