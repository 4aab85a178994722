import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Script, ScriptedPrompter, STOP } from '../../test/fakes/scripted-prompter.ts'
import { SetupRig } from '../../test/rig/setup-world.ts'
import { SetupAnswers } from './answers.ts'
import { SetupStoppedError } from './prompter.ts'
import { setUpUnattended, setUpWithQuestions } from './setup.ts'
import type { StepName } from './world.ts'

let rig: SetupRig
beforeEach(() => {
  rig = new SetupRig()
})
afterEach(() => rig[Symbol.dispose]())

const KEY = 'sk-ant-api03-secret-of-the-test'
const config = (group: string) =>
  JSON.parse(readFileSync(join(rig.cli.groupsDir, group, 'container.json'), 'utf8'))
const toml = () => readFileSync(rig.cli.tomlFile, 'utf8')

async function ask(script: Script, only: StepName[] = []) {
  const prompter = new ScriptedPrompter(script)
  await setUpWithQuestions(rig.world(), prompter, only)
  expect(prompter.left).toBe(0)
  return prompter
}

async function secrets(): Promise<string[]> {
  using core = rig.cli.core()
  return (await core.vault.read()).secrets.map(({ name }) => name)
}

describe('the set-up, asked', () => {
  it('goes from nothing to an agent on the demo provider', async () => {
    const { notes } = await ask([
      ['keep its data', 'keep'],
      ['What thinks', 'demo'],
      ['first agent', 'new'],
      ['Its name', '*'],
      ['Who is it', 'You keep our lists.'],
      ['want to talk', 'own'],
      ['start with the machine', 'skip'],
      ['the whole way', 'skip'],
    ])
    expect(notes.at(-1)).toContain('no systemd runs here')
    expect(config('main')).toEqual({ provider: 'demo' })
    expect(readFileSync(join(rig.cli.groupsDir, 'main', 'AGENTS.md'), 'utf8')).toContain(
      'You keep our lists.',
    )
    expect(notes[1]).toContain('✓ memory: 6000 MB of 8000 MB available')
    expect(rig.text).toContain('What to do next')
  })

  it('tries a key before it keeps it, and says nothing of it', async () => {
    const url = await rig.modelService(KEY)
    rig.cli.config(`data_dir = "${rig.cli.dataDir}"\n[models.anthropic]\nbase_url = "${url}"\n`)
    await ask(
      [
        ['What thinks', 'claude-key'],
        ['API key', 'wrong-key'],
        ['Nothing was kept', 'again'],
        ['What thinks', 'claude-key'],
        ['API key', KEY],
      ],
      ['provider'],
    )
    expect(await secrets()).toEqual(['anthropic/main'])
    expect(rig.text).toContain('status 401')
    expect(rig.text).toContain('what to do')
    expect(rig.text).not.toContain('wrong-key')
    expect(rig.text).not.toContain(KEY)
  })

  it('keeps a key that could not be tried when it is told to', async () => {
    rig.cli.config(`data_dir = "${rig.cli.dataDir}"\n[models.openai]\nbase_url = "http://127.0.0.1:9"\n`)
    await ask(
      [
        ['What thinks', 'codex-key'],
        ['API key', 'sk-x'],
        ['Nothing was kept', 'keep'],
      ],
      ['provider'],
    )
    expect(await secrets()).toEqual(['openai/main'])
  })

  it('connects a local model without a key, for the one agent there is', async () => {
    await rig.cli.run('group', 'add', 'home')
    await ask(
      [
        ['What thinks', 'endpoint'],
        ['Which program', 'codex'],
        ['Its address', 'nonsense'],
        ['Its address', 'http://127.0.0.1:11434'],
        ['Its key', ''],
        ['Its model', 'qwen3'],
      ],
      ['provider'],
    )
    expect(toml()).toContain('[models.openai]\nbase_url = "http://127.0.0.1:11434"')
    expect(toml()).toContain('# mine')
    expect(config('home')).toEqual({ provider: 'codex', model: 'qwen3' })
  })

  it('goes back and skips', async () => {
    await ask([
      ['keep its data', 'keep'],
      ['What thinks', 'claude-key'],
      ['API key', ''],
      ['What thinks', 'back'],
      ['keep its data', 'keep'],
      ['What thinks', 'skip'],
      ['first agent', 'skip'],
      ['want to talk', 'own'],
      ['start with the machine', 'skip'],
      ['the whole way', 'back'],
      ['start with the machine', 'back'],
      ['want to talk', 'back'],
      ['first agent', 'back'],
      ['What thinks', 'skip'],
      ['first agent', 'skip'],
      ['want to talk', 'own'],
      ['start with the machine', 'skip'],
      ['the whole way', 'skip'],
    ])
    expect(existsSync(join(rig.cli.groupsDir, 'main'))).toBe(false)
  })

  it('shows what went wrong and lets the step be tried again', async () => {
    mkdirSync(join(rig.cli.groupsDir, 'home'))
    writeFileSync(join(rig.cli.groupsDir, 'home', 'container.json'), '{ broken')
    await ask(
      [
        ['Which agent', '= home'],
        ['What drives it', 'claude'],
        ['did not work out', 'again'],
        ['Which agent', 'skip'],
      ],
      ['group'],
    )
    expect(rig.text).toContain('not valid JSON')
    expect(readFileSync(join(rig.cli.groupsDir, 'home', 'container.json'), 'utf8')).toBe('{ broken')
  })

  it('leaves other keys of an agent alone, and drops a model of another provider', async () => {
    await rig.cli.run('group', 'add', 'home', '--model', 'm1')
    const file = join(rig.cli.groupsDir, 'home', 'container.json')
    writeFileSync(file, JSON.stringify({ skills: [], provider: 'demo', model: 'm1', concurrency: 2 }))
    await ask(
      [
        ['Which agent', '= home'],
        ['What drives it', 'codex'],
      ],
      ['group'],
    )
    expect(config('home')).toEqual({ skills: [], provider: 'codex', concurrency: 2 })
    expect(Object.keys(config('home'))).toEqual(['skills', 'provider', 'concurrency'])
  })
})

describe('Ctrl-C', () => {
  const WAY: Script = [
    ['keep its data', 'keep'],
    ['What thinks', 'demo'],
    ['first agent', 'new'],
    ['Its name', 'home'],
    ['Who is it', ''],
    ['want to talk', 'telegram'],
    ['The token', ''],
    ['want to talk', 'own'],
    ['start with the machine', 'skip'],
    ['the whole way', 'skip'],
  ]

  it.each(WAY.map(([question], index) => [question, index] as const))(
    'at “%s” leaves what the next run goes on from',
    async (_question, index) => {
      const script = [...WAY.slice(0, index), [WAY[index]?.[0] ?? '', STOP] as const]
      const prompter = new ScriptedPrompter(script)
      await expect(setUpWithQuestions(rig.world(), prompter, [])).rejects.toThrow(SetupStoppedError)
      expect(rig.text).toMatch(/^stopped; (?:nothing was changed|done: .*)\. Go on with \.\/creel setup$/m)
      const result = await setUpUnattended(rig.world(), SetupAnswers.parse({ trip: false }), [])
      expect(result.group).toBe(index > 4 ? 'home' : 'main')
      expect((await rig.cli.run('doctor')).out).toMatch(/✓ agent (?:main|home): ready/)
    },
  )

  it('during work ends the set-up, too', async () => {
    const url = await rig.modelService(KEY)
    rig.cli.config(`data_dir = "${rig.cli.dataDir}"\n[models.anthropic]\nbase_url = "${url}"\n`)
    const world = rig.world()
    rig.stop.abort(new Error('got SIGINT'))
    const prompter = new ScriptedPrompter([
      ['What thinks', 'claude-key'],
      ['API key', 'wrong'],
      ['Nothing was kept', STOP],
    ])
    await expect(setUpWithQuestions(world, prompter, ['provider'])).rejects.toThrow(SetupStoppedError)
    expect(await secrets()).toEqual([])
  })
})

describe('the set-up, told beforehand', () => {
  const run = (answers: object, only: StepName[] = []) =>
    setUpUnattended(rig.world(), SetupAnswers.parse({ trip: false, ...answers }), only)

  it('does everything in one go, and again without harm', async () => {
    const base_url = await rig.modelService(KEY)
    const answers = {
      provider: { name: 'claude', key: KEY, base_url, model: 'opus' },
      group: { name: 'home', persona: 'You are short.' },
    }
    expect(await run(answers)).toMatchObject({
      group: 'home',
      done: ['machine', 'data', 'provider', 'group', 'channel', 'service', 'trip'],
    })
    expect(config('home')).toEqual({ provider: 'claude', model: 'opus' })
    expect(await run({ provider: answers.provider, group: { name: 'home' } })).toMatchObject({
      group: 'home',
    })
    expect(await secrets()).toEqual(['anthropic/main'])
  })

  it.each([
    [{ provider: { name: 'claude' } }, 'needs a key of Anthropic'],
    [{ provider: { name: 'demo', key: 'x' } }, 'takes no key'],
  ])('refuses %j', async (answers, complaint) => {
    await expect(run(answers)).rejects.toThrow(complaint)
    expect(existsSync(join(rig.cli.groupsDir, 'main'))).toBe(false)
  })

  it('keeps no key that the service refuses', async () => {
    const base_url = await rig.modelService(KEY)
    await expect(run({ provider: { name: 'codex', key: 'bad', base_url } })).rejects.toThrow('does not work')
    expect(await secrets()).toEqual([])
    expect(toml()).not.toContain(base_url)
  })

  it('moves to another folder only when nothing is left behind', async () => {
    const other = join(rig.cli.folder, 'other')
    await run({ data_dir: other })
    expect(statSync(other).mode & 0o777).toBe(0o700)
    expect(toml()).toContain(`data_dir = "${other}" # mine`)
    await expect(run({ data_dir: rig.cli.dataDir })).rejects.toThrow('left behind')
  })

  it('does not take a folder that other things live in', async () => {
    const full = join(rig.cli.folder, 'full')
    mkdirSync(join(full, 'x'), { recursive: true })
    await expect(run({ data_dir: full })).rejects.toThrow('holds other files')
    expect(statSync(full).mode & 0o777).not.toBe(0o700)
  })

  it('ends where the machine cannot do', async () => {
    const world = rig.world({ listen: async () => 'taken' })
    await expect(setUpUnattended(world, SetupAnswers.parse({}), ['machine'])).rejects.toMatchObject({
      message: expect.stringContaining('127.0.0.1:4280: taken'),
      hint: expect.stringContaining('web.port'),
    })
  })
})
