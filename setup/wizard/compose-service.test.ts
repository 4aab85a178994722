import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeMachine, type FakeMachineScript } from '../../test/fakes/fake-machine.ts'
import { ScriptedPrompter } from '../../test/fakes/scripted-prompter.ts'
import { SetupRig } from '../../test/rig/setup-world.ts'
import { composeFiles, startCompose, usesCompose, writeComposeFiles } from './compose-service.ts'
import { serviceStep } from './service-step.ts'
import type { SetupWorld } from './world.ts'

const OWN_UID = process.getuid?.() ?? 0

describe('Creel as a service of Docker Compose', () => {
  let rig: SetupRig
  let project: string
  let host: Server | undefined

  beforeEach(() => {
    rig = new SetupRig()
    project = join(rig.cli.folder, 'project')
    mkdirSync(project)
    settings('')
    rig.cli.env.CREEL_BASE_IMAGE = 'node:24'
    rig.cli.env.CREEL_MASTER_KEY_FILE = join(rig.cli.folder, 'keys', 'my.key')
    host = undefined
  })
  afterEach(async () => {
    await endHost()
    rig[Symbol.dispose]()
  })

  const settings = (text: string) => rig.cli.config(`data_dir = "${rig.cli.dataDir}"\n${text}`)

  /** The project is another folder than this one: files are written into it. */
  function world(script: FakeMachineScript = {}): SetupWorld {
    const made = rig.world({}, script)
    return { ...made, install: () => ({ ...made.install(), projectDir: project }) }
  }

  async function startHost(): Promise<void> {
    mkdirSync(rig.cli.dataDir, { recursive: true })
    const server = createServer((_request, response) => response.end('{"ok":true,"result":{}}'))
    await new Promise<void>((done) => server.listen(join(rig.cli.dataDir, 'control.sock'), done))
    host = server
  }

  async function endHost(): Promise<void> {
    const server = host
    host = undefined
    server?.closeAllConnections()
    if (server) await new Promise((done) => server.close(done))
  }

  /** Compose, which runs a host. */
  const compose = (program: string): FakeMachineScript => ({
    programs: ['docker', 'docker-compose'],
    commands: {
      'docker compose version': () => ({ code: program === 'docker compose' ? 0 : 1 }),
      'docker-compose version': () => ({}),
      [`${program} build`]: () => ({}),
      [`${program} stop creel`]: () => {
        void endHost()
        return {}
      },
      [`${program} up -d`]: () => {
        void startHost()
        return {}
      },
    },
  })
  const lines = ({ parts }: SetupWorld) => (parts.machine instanceof FakeMachine ? parts.machine.lines : [])

  it('writes where data, keys and settings are, and leaves other lines alone', async () => {
    writeFileSync(join(project, '.env'), 'TZ=Europe/Berlin\nCREEL_DATA=/elsewhere\n')
    const files = await composeFiles(world(), OWN_UID)
    expect(existsSync(files.override.path)).toBe(false)
    writeComposeFiles(files)
    writeComposeFiles(await composeFiles(world(), OWN_UID))
    const env = readFileSync(join(project, '.env'), 'utf8').split('\n')
    expect(env).toEqual(expect.arrayContaining(['TZ=Europe/Berlin', `CREEL_DATA=${rig.cli.dataDir}`]))
    expect(env).toContain(`CREEL_KEYS=${join(rig.cli.folder, 'keys')}`)
    expect(env).toContain('CREEL_MASTER_KEY_FILE=/keys/my.key')
    expect(env.filter((line) => line.startsWith('CREEL_DATA='))).toHaveLength(1)
    const override = readFileSync(join(project, 'docker-compose.override.yml'), 'utf8')
    expect(JSON.parse(override.slice(override.indexOf('\n'))).services.creel.volumes).toEqual([
      `${rig.cli.tomlFile}:/config/creel.toml:ro`,
    ])
    expect(usesCompose(world().install())).toBe(true)
  })

  it.each([
    ['models.openai.base_url', '[models.openai]\nbase_url = "http://127.0.0.1:11434"\n'],
    ['vault.key_command', '[vault]\nkey_command = ["secret-tool", "lookup", "creel", "vault"]\n'],
  ])('refuses %s that a container could not use', async (key, toml) => {
    settings(toml)
    await expect(composeFiles(world(), OWN_UID)).rejects.toThrow(key)
    expect(existsSync(join(project, '.env'))).toBe(false)
  })

  it('refuses folders of another account, and a file that is not its own', async () => {
    await expect(composeFiles(world(), OWN_UID + 1)).rejects.toMatchObject({
      hint: expect.stringContaining(
        `chown -R --from=${OWN_UID} ${OWN_UID + 1}:${OWN_UID + 1} ${rig.cli.dataDir}`,
      ),
    })
    writeFileSync(join(project, 'docker-compose.override.yml'), 'services: {}\n')
    await expect(composeFiles(world(), OWN_UID)).rejects.toThrow('is yours and is not changed')
  })

  it.each(['docker compose', 'docker-compose'])(
    'is started by %s, in place of what runs',
    async (program) => {
      await startHost()
      const there = world(compose(program))
      await startCompose(there)
      expect(lines(there).slice(-3)).toEqual(
        ['build', 'stop creel', 'up -d'].map((verb) => `${program} ${verb}`),
      )
    },
  )

  it('says what is missing, and the command', async () => {
    await expect(startCompose(world())).rejects.toMatchObject({
      hint: expect.stringContaining('docker compose up -d --build'),
    })
  })

  it('is written with consent alone', async () => {
    const there = world()
    const prompter = new ScriptedPrompter([
      ['start with the machine', 'compose'],
      ['Write these two files', false],
    ])
    const outcome = serviceStep.interactive(there, prompter)
    if (OWN_UID === 1000) expect(await outcome).toBe('skipped')
    else await expect(outcome).rejects.toThrow('Compose runs Creel as uid 1000')
    expect(existsSync(join(project, '.env'))).toBe(false)
  })
})
