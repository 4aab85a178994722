import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutboxWriter, SANDBOX_PATHS } from '@creel/protocol'
import { vi } from 'vitest'
import {
  createRunner,
  type Outbox,
  PROVIDERS,
  systemClock as runnerClock,
  startToolServer,
} from '../../container/runner/src/index.ts'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { SocketDoorbell } from '../../src/adapters/doorbell/socket-doorbell.ts'
import { prepareGroupFolders } from '../../src/adapters/folders/group-folders.ts'
import { FileMailbox } from '../../src/adapters/mailbox/file-mailbox.ts'
import { ForkedOutboxReader } from '../../src/adapters/outbox-reader/forked-outbox-reader.ts'
import { SkillFolders } from '../../src/adapters/skills/skill-folders.ts'
import { channelTable } from '../../src/channels.ts'
import { loadInstall } from '../../src/config/load.ts'
import { openCore } from '../../src/core.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import type { InboundMessage } from '../../src/domain/message.ts'
import type { Doorbell } from '../../src/domain/ports/mailbox.ts'
import type { SandboxExit, SandboxSpec } from '../../src/domain/ports/sandbox.ts'
import type { BindingSettings } from '../../src/domain/ports/stores.ts'
import type { Transcriber } from '../../src/domain/ports/transcription.ts'
import { Host } from '../../src/host.ts'
import { fileParts } from '../../src/host-parts.ts'
import { specHash } from '../../src/sandboxes/sandbox-spec.ts'
import { transcriberOf } from '../../src/voice-parts.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { FakeEngine, type FakeRunner } from '../fakes/fake-engine.ts'
import { FakePackageBuilder } from '../fakes/fake-package-builder.ts'
import { silentLog } from './host-tables.ts'

export interface HostWorldOptions {
  readonly groups: Readonly<Record<string, unknown>>
  /** In place of the real sockets. */
  readonly doorbell?: () => Doorbell
  /** creel.toml. */
  readonly settings?: string
  /** In place of what the settings name. */
  readonly transcriber?: Transcriber
}

/** A whole host in this process with real files, sockets and reader; the sandboxes are runners in this process. */
export class HostWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-path-'))
  readonly channel = new FakeChannel({ cards: true, emoji: ['👍', '🎉'] })
  /** What runners logged, by group. */
  readonly runnerEvents: string[] = []
  /** Images that sandboxes were started from, in order. */
  readonly startedFrom: string[] = []
  /** Images with packages; they outlive the host. */
  readonly packages = new FakePackageBuilder()
  engine: FakeEngine
  host: Host
  readonly #options: HostWorldOptions

  constructor(options: HostWorldOptions) {
    this.#options = options
    for (const [group, config] of Object.entries(options.groups)) this.configure(group, config)
    if (options.settings !== undefined) writeFileSync(join(this.folder, 'creel.toml'), options.settings)
    this.engine = new FakeEngine({ clock: systemClock, specHash, onStart: (spec) => this.#runner(spec) })
    this.host = this.#makeHost()
  }

  get core() {
    return this.host.parts.core
  }

  get paths() {
    return this.core.install.paths
  }

  /** Writes container.json; a text is written as it is. */
  configure(group: string, config: unknown): void {
    const folder = join(this.folder, 'groups', group)
    mkdirSync(folder, { recursive: true })
    const text = typeof config === 'string' ? config : JSON.stringify(config)
    writeFileSync(join(folder, 'container.json'), text)
  }

  bind(chat: string, group: string, settings: Partial<BindingSettings> = {}): void {
    const { directory, clock } = this.core
    const { id } = directory.chatFor(this.channel.address(chat), 'group', chat, clock.now())
    const all: BindingSettings = {
      engage: 'always',
      session: 'shared',
      senders: 'open',
      queue: 'follow_up',
      ...settings,
    }
    directory.bind(id, group as GroupName, all, clock.now())
  }

  say(chat: string, text: string, part: Partial<InboundMessage> = {}): void {
    this.channel.say(text, { address: this.channel.address(chat), chatTitle: chat, ...part })
  }

  /** The answers of the agents in a chat, without the note of the first turn. */
  shown(chat: string): string[] {
    return this.channel.shown(this.channel.address(chat)).map((part) => part.split('\n')[0] ?? '')
  }

  async until(what: () => void, timeout = 25_000): Promise<void> {
    await vi.waitFor(what, { timeout, interval: 10 })
  }

  /** The host process ends; the engine and its sandboxes go on, and a new host takes over. */
  async restart(options: { stopSandboxes: boolean; drainMs?: number }): Promise<void> {
    await this.host.stop({ drainMs: options.drainMs ?? 0, stopSandboxes: options.stopSandboxes })
    this.engine = this.engine.restarted()
    this.host = this.#makeHost()
    await this.host.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.stop({ drainMs: 0, stopSandboxes: true })
    rmSync(this.folder, { recursive: true })
  }

  #makeHost(): Host {
    const core = openCore(loadInstall(this.folder, { TZ: 'UTC' }))
    const { paths } = core.install
    const nothing = async () => undefined
    return new Host({
      core,
      log: silentLog,
      engine: this.engine,
      mailbox: new FileMailbox({ paths, clock: core.clock }),
      reader: new ForkedOutboxReader({ paths, deadlineMs: 10_000 }),
      doorbell: this.#options.doorbell?.() ?? new SocketDoorbell({ paths }),
      ...{ gateway: { open: nothing, close: nothing } },
      ...fileParts(core, silentLog),
      transcriber: this.#options.transcriber ?? transcriberOf(core),
      channels: channelTable([this.channel], { listen: nothing, close: nothing }),
      image: async () => 'creel-agent:test',
      packageBuilder: this.packages,
      prepareFolders: (group) => prepareGroupFolders(paths, group, process.getuid?.() ?? -1),
      skills: new SkillFolders(paths),
      random: () => 0.5,
    })
  }

  #runner(spec: SandboxSpec): FakeRunner {
    const at = (target: string) => spec.mounts.find((mount) => mount.target === target)?.source ?? ''
    this.startedFrom.push(spec.image)
    const abort = new AbortController()
    const ended = Promise.withResolvers<SandboxExit>()
    let dead = false
    const die = (code: number) => {
      dead = true
      abort.abort()
      ended.resolve({ code, oomKilled: false })
    }
    const run = createRunner({
      inDir: at(SANDBOX_PATHS.in),
      outDir: at(SANDBOX_PATHS.out),
      runDir: at(SANDBOX_PATHS.run),
      homeDir: at(SANDBOX_PATHS.home),
      workspaceDir: at(SANDBOX_PATHS.workspace),
      skillsDir: at(SANDBOX_PATHS.skills),
      memoryDir: at(SANDBOX_PATHS.memory),
      clock: runnerClock,
      providers: PROVIDERS,
      startToolServer,
      log: (event) => this.runnerEvents.push(`${spec.group} ${event}`),
      ending: { crash: () => die(137), exit: die },
      gatewayPort: null,
      openOutbox: (path) => mortalOutbox(path, () => dead),
    }).run(abort.signal)
    const done = run.catch((error: unknown) => {
      this.runnerEvents.push(
        `${spec.group} refused: ${error instanceof Error ? error.message : String(error)}`,
      )
      die(70)
    })
    return {
      exited: ended.promise,
      stop: async () => {
        abort.abort()
        await done
      },
    }
  }
}

/** A process that was killed writes nothing any more, whatever is still running of it here. */
function mortalOutbox(path: string, isDead: () => boolean): Outbox & Disposable {
  const outbox = new OutboxWriter(path)
  return {
    append: (entries, at) => (isDead() ? 0 : outbox.append(entries, at)),
    attempts: (seq) => outbox.attempts(seq),
    settled: () => outbox.settled(),
    sent: (seq) => outbox.sent(seq),
    prune: (seq, oldest) => outbox.prune(seq, oldest),
    namedFiles: () => outbox.namedFiles(),
    [Symbol.dispose]: () => outbox[Symbol.dispose](),
  }
}
