import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { loadInstall } from '../../src/config/load.ts'
import { openCore } from '../../src/core.ts'
import type { FullPolicy } from '../../src/domain/binding.ts'
import type { GroupName, UserId } from '../../src/domain/ids.ts'
import type { ChaosHostSetup } from './chaos-host.ts'
import { type Arm, Tripwire } from './crash-points.ts'
import { type Answer, JsonServer } from './json-server.ts'
import { type PlatformName, Platforms, type Saying, wantedFile } from './platform.ts'
import { ProcessEngine } from './process-engine.ts'
import type { Programs } from './programs.ts'
import type { SeededRandom } from './seeded-random.ts'

export interface WorldOptions {
  readonly random: SeededRandom
  readonly programs: Programs
  /** What comes in is bounded: too much is refused, too many are answered together. Default: no. */
  readonly bounded?: boolean
  readonly groups: number
  /** Half of them on each platform. */
  readonly chatsPerGroup: number
  readonly engine: 'process' | 'docker'
  readonly mutation: string | null
  /** A disk of its own that can be filled; takes root. */
  readonly smallDisk: boolean
  /** How many seconds of the host's clock one second takes. Default: 1. */
  readonly speed?: number
  /** Who owns the install: a person on a platform, who writes from the chat of that number. */
  readonly owner?: string
  /** More variables for the host: which engine and images. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Chat {
  readonly platform: PlatformName
  readonly chat: number
  readonly group: string
  /** What becomes of a message when too many wait. */
  readonly whenFull: FullPolicy
}

const PROJECT = resolve(import.meta.dirname, '../..')
/** On a machine that does much else. */
const START_LIMIT_MS = 180_000
const DISK_MB = 512
/** Its life is too short for anything to be collected. */
const HOST_FLAGS = ['--min-semi-space-size=16', '--disable-warning=DEP0040'] as const

/** All that is outside of the host: platforms, engine, disk, clock. It starts hosts and outlives them. */
export class World implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-chaos-'))
  readonly dataDir = join(this.folder, 'd')
  readonly platforms: Platforms
  readonly engine: ProcessEngine
  readonly chats: readonly Chat[]
  readonly groups: readonly string[]
  #furthest = 0
  readonly #options: WorldOptions
  readonly #server: Promise<JsonServer>
  #host: ChildProcess | null = null
  #diskMounted = false
  /** Calls of the model that were answered. */
  modelCalls = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.platforms = new Platforms(options.random)
    this.engine = new ProcessEngine({
      ...{ noteFile: this.noteFile, mutation: options.mutation, programs: options.programs },
    })
    this.groups = Array.from({ length: options.groups }, (_, index) => `chaos-${index}`)
    this.chats = this.groups.flatMap((group, number) =>
      Array.from({ length: options.chatsPerGroup }, (_, index) => ({
        ...{ group, chat: number * 1_000 + index + 1 },
        platform: index % 2 === 0 ? ('telegram' as const) : ('sure' as const),
        whenFull: POLICIES[index % POLICIES.length] ?? 'keep',
      })),
    )
    mkdirSync(this.dataDir)
    if (options.smallDisk) {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=700`, 'creel-chaos', this.dataDir])
      this.#diskMounted = true
    }
    writeFileSync(this.#clockFile, '0')
    writeFileSync(this.noteFile, '')
    this.#server = JsonServer.start(async (path, body) => {
      const answer = (await this.engine.call(path, body)) ?? (await this.platforms.call(path, body))
      return answer ?? (await this.#model(path)) ?? { status: 404, body: {} }
    })
  }

  /** A person writes; a file that they ask for is there. */
  say({ platform, chat, group }: Chat, saying: Saying): void {
    if (saying === 'file out') {
      const n = (this.platforms.said.get(`${platform}:${chat}`) ?? 0) + 1
      const workspace = join(this.folder, 'g', group, 'workspace')
      writeFileSync(join(workspace, wantedFile(chat, n)), `for ${chat} ${n}`)
    }
    this.platforms.say(platform, chat, saying)
  }

  /** Cuts the connections of one platform or, through the host, those of all sandboxes to the gateway. */
  async cut(what: PlatformName | 'gateway'): Promise<void> {
    if (what === 'gateway') this.#host?.kill('SIGUSR2')
    else (await this.#server).cut(what === 'telegram' ? /^\/(?:file\/)?bot/ : /^\/sure\//)
  }

  /** The model that agents ask before they answer. It takes its time, so that there is something to cut. */
  async #model(path: string): Promise<Answer | null> {
    if (path !== '/model/v1/messages') return null
    await sleep(this.#options.random.between(0, 20))
    this.modelCalls += 1
    return { status: 200, body: { id: 'chaos', content: [] } }
  }

  /** Makes groups and bindings. To be called once, before the first host. */
  async prepare(): Promise<void> {
    const { url } = await this.#server
    const token = join(this.folder, 'token')
    writeFileSync(token, '7:chaos', { mode: 0o600 })
    const toml = [
      '[web]\nenabled = false',
      `[[telegram]]\ntoken_file = "${token}"\napi_root = "${url}"`,
      `[models.anthropic]\nbase_url = "${url}/model"`,
      // Whatever is killed, nobody has done anything wrong here.
      '[limits]\nmax_attempts = 20',
      ...(this.bounded ? BOUNDED.limits : UNBOUNDED.limits),
      // Runners live by the true time: on a fast clock each would seem to be dead.
      ...(this.#options.speed ? ['heartbeat_timeout_s = 3600\npause_after_s = 36000'] : []),
      ...['[chats]', ...(this.bounded ? BOUNDED.chats : UNBOUNDED.chats)],
    ]
    writeFileSync(join(this.folder, 'creel.toml'), `${toml.join('\n')}\n`)
    const core = openCore(loadInstall(PROJECT, this.#env))
    const at = systemClock.now()
    for (const group of this.groups) {
      core.groups.add(group as GroupName, { provider: 'demo', agents: this.#neighbours(group) })
      mkdirSync(join(this.folder, 'g', group, 'workspace'), { recursive: true })
    }
    for (const [index, { platform, chat, whenFull }] of this.chats.entries()) {
      const address = { channel: platform, account: 'main', chat: String(chat) }
      const { id } = core.directory.chatFor(address, 'private', `chat ${chat}`, at)
      const group = this.groups[Math.floor(index / this.#options.chatsPerGroup)]
      const debounceMs = this.bounded && whenFull === 'keep' && platform === 'sure' ? DEBOUNCE_MS : 0
      core.directory.bind(id, group as GroupName, { ...BINDING, whenFull, debounceMs }, at)
    }
    if (this.#options.owner) core.roles.grant(this.#options.owner as UserId, 'owner', null, at)
    core[Symbol.dispose]()
  }

  /** Each agent may ask the next one, for anybody. */
  #neighbours(group: string): Record<string, { send: boolean; hear: 'anyone'; about: string }> {
    const at = this.groups.indexOf(group)
    const around = [1, this.groups.length - 1].map((step) => this.groups[(at + step) % this.groups.length])
    return Object.fromEntries(around.map((name) => [name ?? '', { send: true, hear: 'anyone', about: '' }]))
  }

  /** Starts a host, to die where `arm` says; false when it died before it took messages. */
  async startHost(arm: Arm | null): Promise<boolean> {
    const { url } = await this.#server
    const setup: ChaosHostSetup = {
      ...{ projectDir: PROJECT, env: this.#env, worldUrl: url, arm, noteFile: this.noteFile },
      ...{ logFile: this.logFile, clockFile: this.#clockFile },
      ...{ engine: this.#options.engine, mutation: this.#options.mutation },
      speed: this.#options.speed ?? 1,
    }
    const { host, compileCache } = this.#options.programs
    const child = spawn(process.execPath, [...HOST_FLAGS, host, JSON.stringify(setup)], {
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#host = child
    const wire = new Tripwire(arm, this.noteFile, () => this.killHost())
    this.platforms.onAck = (point) => wire.pass(point)
    let said = ''
    child.stderr.on('data', (chunk) => {
      said = (said + String(chunk)).slice(-4_000)
    })
    let ready = false
    child.stdout.on('data', () => {
      ready = true
    })
    const deadline = Date.now() + START_LIMIT_MS
    while (!ready && this.hostLives) {
      if (Date.now() > deadline) throw new Error(`the host did not start: ${said}`)
      await sleep(5)
    }
    if (child.exitCode !== null && child.exitCode !== 0) throw new Error(`the host failed: ${said}`)
    return ready
  }

  get bounded(): boolean {
    return this.#options.bounded ?? false
  }

  get hostLives(): boolean {
    return this.#host !== null && this.#host.exitCode === null && this.#host.signalCode === null
  }

  killHost(): void {
    this.#host?.kill('SIGKILL')
  }

  /** Waits until the host is gone, at most so long. */
  async hostDied(limitMs: number): Promise<boolean> {
    for (const end = Date.now() + limitMs; Date.now() < end; await sleep(5)) if (!this.hostLives) return true
    return !this.hostLives
  }

  /** The orderly end: drains, stops the sandboxes. */
  async stopHost(): Promise<void> {
    this.#host?.kill('SIGTERM')
    if (!(await this.hostDied(40_000))) throw new Error('the host did not stop')
  }

  /** Open files and sockets of the host. */
  hostHandles(): number {
    return readdirSync(`/proc/${this.#host?.pid}/fd`).length
  }

  /** The clock of the host's machine jumps; with those of the platforms, as when the machine slept, or alone. */
  jumpClock(ms: number, alone = false): void {
    const ahead = Number(readFileSync(this.#clockFile, 'utf8')) + ms
    this.#furthest = Math.max(this.#furthest, ahead)
    writeFileSync(this.#clockFile, String(ahead))
    if (!alone) this.platforms.aheadMs += ms
  }

  /** The clock is where it was furthest: what was to be done at a time is due, whenever that was said. */
  clockCatchesUp(): void {
    this.jumpClock(this.#furthest - Number(readFileSync(this.#clockFile, 'utf8')))
  }

  /** Leaves no block free on the host's disk for a while. False when the disk is not ours to fill. */
  async fillDisk(ms: number): Promise<boolean> {
    if (!this.#diskMounted) return false
    const filler = join(this.dataDir, 'filler')
    for (let size = 4 * 1024 * 1024; size >= 512; size /= 2) {
      for (let n = 0; n < 256; n++) {
        const { bavail, bsize } = statfsSync(this.dataDir)
        if (bavail * bsize < size) break
        writeFileSync(filler, Buffer.alloc(size), { flag: 'a' })
      }
    }
    await sleep(ms)
    rmSync(filler)
    return true
  }

  /** Points at which something died by itself, in order. */
  crashes(): string[] {
    return readFileSync(this.noteFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  }

  get logFile(): string {
    return join(this.folder, 'host.log')
  }

  get noteFile(): string {
    return join(this.folder, 'crashes')
  }

  get #clockFile(): string {
    return join(this.folder, 'clock')
  }

  get #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      CREEL_CONFIG: join(this.folder, 'creel.toml'),
      CREEL_DATA_DIR: this.dataDir,
      CREEL_GROUPS_DIR: join(this.folder, 'g'),
      ...this.#options.env,
    }
  }

  /** Ends everything; `keep` leaves the files for a look. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.killHost()
    await this.hostDied(5_000)
    await this.engine.close()
    await (await this.#server).close()
    if (this.#diskMounted) execFileSync('umount', ['--lazy', this.dataDir])
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Each message is to have an answer of its own, however many come at once and whatever the clock does. */
const UNBOUNDED = {
  limits: ['sender_per_minute = 0', 'chat_per_minute = 0', 'max_waiting = 0'],
  chats: ['queue_bound = 0', 'catch_up_max_age_h = 0', 'catch_up_collect = 0'],
} as const
/** Far below what is usual, so that they are reached. */
const BOUNDED = {
  limits: ['sender_per_minute = 150', 'chat_per_minute = 0', 'max_waiting = 60'],
  chats: ['queue_bound = 12', 'catch_up_max_age_h = 0.4', 'catch_up_collect = 3'],
} as const
/** Of the chats of a group, in turn. The last of them waits for a pause, too. */
const POLICIES = ['keep', 'summarise', 'reject', 'keep'] as const
const DEBOUNCE_MS = 300
const BINDING = { engage: 'always', session: 'shared', senders: 'open', queue: 'steer' } as const
