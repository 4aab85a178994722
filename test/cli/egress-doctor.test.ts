import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Finding } from '../../src/cli/finding.ts'
import { egressRule } from '../../src/domain/egress-rules.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
beforeEach(async () => {
  cli = new CliRig()
  await cli.run('group', 'add', 'home')
})
afterEach(() => cli[Symbol.dispose]())

const HOME = 'home' as GroupName
const HOUR = 3_600_000

const settings = (config: object) =>
  writeFileSync(join(cli.groupsDir, 'home', 'container.json'), JSON.stringify(config))

async function findings(): Promise<Finding[]> {
  const { out } = await cli.run('doctor', '--json')
  return (JSON.parse(out) as Finding[]).filter(({ check }) => check.startsWith('egress'))
}

/** What doctor warns of, with what it says to do; every warning has that. */
async function warnings(): Promise<string[]> {
  const found = (await findings()).filter(({ level }) => level !== 'ok')
  return found.map(({ check, level, text, hint }) => `${check} ${level}: ${text} -> ${hint}`)
}

function deny(host: string, count: number): void {
  using core = cli.core()
  const hour = (core.clock.now() - (core.clock.now() % HOUR)) as UnixMs
  core.egressLog.write([], [{ group: HOME, hour, host, outcome: 'denied', count, bytesOut: 0, bytesIn: 0 }])
}

describe('creel doctor looks at what may leave', () => {
  it('and finds nothing wrong where nothing, or what is usual, is allowed', async () => {
    expect(await findings()).toEqual([{ check: 'egress', level: 'ok', text: '0 rules; private: none' }])
    settings({ egress: ['example.com', '*.example.org', { host: 'nas.lan:8080', private: true }] })
    expect(await findings()).toEqual([{ check: 'egress', level: 'ok', text: '3 rules; private: nas.lan' }])
  })

  it('and warns of rules that give too much or nothing', async () => {
    settings({ egress: ['*.github.io', 'nas.lan'] })
    await cli.run('egress', 'allow', 'http://old.example', '--all')
    await cli.run('egress', 'allow', '*.corp.example', '--group', 'home', '--private')
    expect(await warnings()).toEqual([
      expect.stringMatching(
        /^egress of home warning: \*\.github\.io covers names .* \(in container\.json\)$/,
      ),
      expect.stringMatching(
        /^egress of home warning: nas\.lan is a name of a local network.*add "private": true/,
      ),
      expect.stringMatching(
        /^egress warning: old\.example is allowed without TLS.*or creel egress remove 1\)$/,
      ),
      expect.stringMatching(/\*\.corp\.example may end at private addresses.*or creel egress remove 2\)$/),
    ])
  })

  it('and of what another rule denies', async () => {
    settings({ egress: ['a.example.com', 'b.example.com', '*.example.com'] })
    await cli.run('egress', 'deny', 'a.example.com', '--all')
    expect(await warnings()).toEqual([
      'egress of home warning: a.example.com (container.json) never counts: rule 1 denies a.example.com ' +
        '-> creel egress remove 1, or take the other one away',
    ])
  })

  it('and of secrets that nobody may use, or that are for a host that is not public', async () => {
    cli.typed.push('t0ken-0123456789', 't0ken-9876543210')
    await cli.run('vault', 'set', 'github', '--host', 'api.github.com')
    await cli.run('vault', 'set', 'nas', '--host', 'nas.lan:8443')
    settings({ secrets: ['nas'] })
    expect(await warnings()).toEqual([
      expect.stringMatching(
        /^egress warning: the secret github is for api\.github\.com, and no agent.*add "github"/,
      ),
      'egress of home warning: the secret nas is for nas.lan:8443, which is not public: nothing gets there ' +
        '-> creel egress allow nas.lan --port 8443 --private --group home',
    ])
    await cli.run('egress', 'allow', 'nas.lan', '--port', '8443', '--private', '--group', 'home')
    settings({ secrets: ['nas', 'github'] })
    expect(await warnings()).toEqual([])
    cli.typed.push('t0ken-0123456789')
    await cli.run('vault', 'set', 'github', '--host', '*.github.io')
    expect(await warnings()).toEqual([
      expect.stringMatching(
        /^egress warning: the secret github goes to \*\.github\.io, and anybody .* -> \.\/creel vault set/,
      ),
    ])
  })

  it('and of a rule that ended while the agent still asks', async () => {
    {
      using core = cli.core()
      const at = (core.clock.now() - 2 * HOUR) as UnixMs
      const rule = egressRule('example.com')
      const given = { group: HOME, effect: 'allow', once: false, by: 'x' } as const
      core.egressRules.add({ ...given, rule, expiresAt: (at + HOUR) as UnixMs }, at)
    }
    expect(await warnings()).toEqual([])
    deny('example.com', 12)
    expect(await warnings()).toEqual([
      expect.stringMatching(
        /the rule for example\.com ended at .*, and 12 requests came since -> creel egress allow/,
      ),
    ])
  })

  it('and shows what was turned away, as status does', async () => {
    for (let n = 1; n <= 7; n += 1) deny(`h${n}.example`, n)
    expect((await findings())[1]).toEqual({
      ...{ check: 'egress of home', level: 'ok' },
      text:
        'turned away within 24 hours: h7.example (7), h6.example (6), h5.example (5), h4.example (4), ' +
        'h3.example (3), … (creel egress log --denied --group home)',
    })
    expect((await cli.run('status')).out).toContain(
      'home: 28 request(s) to the network turned away within 24 hours (creel egress log --denied)',
    )
    expect(await cli.json('status')).toMatchObject({ groups: [{ deniedRequests: 28 }] })
  })
})
