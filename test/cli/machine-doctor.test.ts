import { chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MachineFacts } from '../../setup/machine-facts.ts'
import { thisMachinesFacts } from '../../setup/machine-facts.ts'
import { checkMachine } from '../../src/cli/doctor-machine.ts'
import type { Finding } from '../../src/cli/finding.ts'
import { GOOD_FACTS, SetupRig } from '../rig/setup-world.ts'

const TOKEN = '123456789:AAFsecret-of-the-test-bot_0123456789'

let rig: SetupRig
beforeEach(() => {
  rig = new SetupRig()
})
afterEach(() => rig[Symbol.dispose]())

const settings = (text: string) => rig.cli.config(`data_dir = "${rig.cli.dataDir}"\n${text}`)
const machine = (facts: Partial<MachineFacts> = {}, hostRuns = false) =>
  checkMachine(rig.world().install(), { ...GOOD_FACTS, ...facts }, hostRuns)
const doctor = async (...options: string[]) => {
  const { out } = await rig.cli.run('doctor', '--json', ...options)
  const findings = JSON.parse(out) as Finding[]
  return (check: string) => findings.filter((finding) => finding.check === check)
}

describe('doctor looks at the machine', () => {
  it('and is content with a good one', async () => {
    expect((await machine()).map(({ check, level }) => [check, level])).toEqual(
      ['architecture', 'memory', 'port', 'firewall', 'data directory', 'clock'].map((check) => [check, 'ok']),
    )
  })

  it.each<[string, Partial<MachineFacts>, string, string]>([
    ['architecture', { arch: 'riscv64' }, 'problem', 'riscv64'],
    ['memory', { memory: () => ({ totalMb: 900, availableMb: 700 }) }, 'warning', '700 MB of 900'],
    ['memory', { memory: () => ({ totalMb: 8_000, availableMb: 100 }) }, 'warning', '100 MB of 8000'],
    ['port', { listen: async () => 'taken' }, 'problem', 'taken'],
    ['port', { listen: async () => 'denied' }, 'problem', 'denied'],
    ['data directory', { freeBytes: () => 1e9 }, 'problem', '0.9 GiB free'],
  ])('and says of its %s what to do', async (check, facts, level, text) => {
    const findings = (await machine(facts)).filter((finding) => finding.check === check)
    expect(findings).toContainEqual(
      expect.objectContaining({
        level,
        text: expect.stringContaining(text),
        hint: expect.stringMatching(/\w+/),
      }),
    )
  })

  it('and does not take its own port for taken', async () => {
    const findings = await machine({ listen: async () => 'taken' }, true)
    expect(findings.find(({ check }) => check === 'port')).toMatchObject({ level: 'ok' })
  })

  it.each(['ufw', 'firewalld', 'nftables'] as const)(
    'and hints at %s where others are to reach it',
    async (name) => {
      settings('[web]\nhost = "0.0.0.0"\n')
      const findings = await machine({ firewall: () => name })
      expect(findings.find(({ check }) => check === 'firewall')).toMatchObject({
        level: 'warning',
        hint: expect.stringContaining('4280'),
      })
    },
  )

  it('and sees a data directory that others can read, and a clock that went back', async () => {
    mkdirSync(rig.cli.dataDir, { mode: 0o755 })
    chmodSync(rig.cli.dataDir, 0o755)
    const file = join(rig.cli.dataDir, 'host.db')
    writeFileSync(file, '')
    const inAnHour = Date.now() / 1_000 + 3_600
    utimesSync(file, inAnHour, inAnHour)
    const findings = await machine()
    expect(findings).toContainEqual(expect.objectContaining({ hint: `chmod 700 ${rig.cli.dataDir}` }))
    expect(findings.find(({ check }) => check === 'clock')?.text).toMatch(/(?:59|60) minutes behind/)
  })

  it('that it runs on', async () => {
    const facts = thisMachinesFacts()
    expect(facts.memory().totalMb).toBeGreaterThan(100)
    expect(facts.memory().availableMb).toBeLessThanOrEqual(facts.memory().totalMb)
    expect(facts.freeBytes(join(rig.cli.folder, 'not', 'there'))).toBeGreaterThan(0)
    const server = await rig.modelService('x')
    const port = Number(new URL(server).port)
    expect(await facts.listen('127.0.0.1', port)).toBe('taken')
    expect(await facts.listen('127.0.0.1', 0)).toBe('free')
    expect(await facts.listen('192.0.2.1', 0)).toBe('no such address')
    expect([null, 'ufw', 'firewalld', 'nftables']).toContain(facts.firewall())
  })
})

describe('doctor looks at what was set up', () => {
  it('and makes nothing where there is nothing', async () => {
    const of = await doctor()
    expect(of('agents')).toEqual([expect.objectContaining({ hint: './creel setup, or ./creel up' })])
    expect(existsSync(rig.cli.dataDir)).toBe(false)
  })

  it('and misses an owner, a token, and a chat that is answered', async () => {
    settings('[[telegram]]\ntoken_secret = "telegram/main"\n')
    await rig.cli.run('group', 'add', 'home')
    expect((await doctor())('owner')).toMatchObject([{ level: 'warning' }])
    expect((await doctor())('telegram main')).toMatchObject([
      { level: 'problem', hint: './creel vault set telegram/main' },
    ])
    rig.cli.typed.push(TOKEN)
    await rig.cli.run('vault', 'set', 'telegram/main')
    await rig.cli.run('roles', 'grant', 'telegram:5', 'owner')
    expect((await doctor())('owner')).toMatchObject([{ level: 'ok', text: 'telegram:5' }])
    expect((await doctor())('telegram main')).toMatchObject([{ level: 'warning' }])
    rig.cli.holdMessage()
    await rig.cli.run('bind', 'telegram:-100123', 'home')
    expect((await doctor())('telegram main')).toMatchObject([
      { level: 'ok', text: 'answered in telegram:-100123' },
    ])
  })

  it('and with --live tries keys and bots, showing neither', async () => {
    const [api, model] = [await rig.botApi(TOKEN), await rig.modelService('sk-good')]
    settings(
      `[models.anthropic]\nbase_url = "${model}"\n[[telegram]]\ntoken_secret = "telegram/main"\napi_root = "${api}"\n`,
    )
    rig.cli.typed.push(TOKEN, 'sk-bad')
    await rig.cli.run('vault', 'set', 'telegram/main')
    await rig.cli.run('vault', 'set', 'anthropic/main')
    const of = await doctor('--live')
    expect(of('live telegram/main')).toMatchObject([{ level: 'ok' }])
    expect(of('live anthropic/main')).toMatchObject([
      { level: 'problem', hint: expect.stringContaining('vault set') },
    ])
    expect(of('live clock')).toMatchObject([{ level: 'ok' }])
    const { out } = await rig.cli.run('doctor', '--live')
    expect(out).not.toContain(TOKEN)
    expect(out).not.toContain('sk-bad')
    expect((await doctor())('live clock')).toEqual([])
  })
})
