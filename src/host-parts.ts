// Composition root, second half: the real parts a host is made of. Tests put others in their place.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { TerminalChannel } from './adapters/channels/terminal/channel.ts'
import { WebChannel } from './adapters/channels/web/channel.ts'
import { systemRandom } from './adapters/clock/random.ts'
import { agentImageTag, ensureAgentImage, type ImageContents } from './adapters/docker/agent-image.ts'
import { baseImageTag } from './adapters/docker/base-image.ts'
import { DockerEngine } from './adapters/docker/docker-engine.ts'
import { DockerPackages } from './adapters/docker/docker-packages.ts'
import { engineSocket } from './adapters/docker/engine-socket.ts'
import { readNpmConfig } from './adapters/docker/npm-config.ts'
import { SocketDoorbell } from './adapters/doorbell/socket-doorbell.ts'
import { DiskFileStore } from './adapters/file-store/disk-file-store.ts'
import { DiskGroupFiles } from './adapters/file-store/disk-group-files.ts'
import { prepareGroupFolders } from './adapters/folders/group-folders.ts'
import { CertificateAuthority } from './adapters/gateway/proxy/certificate-authority.ts'
import { HostLookup } from './adapters/gateway/proxy/host-lookup.ts'
import type { ToolPorts } from './adapters/gateway/proxy/tool-context.ts'
import { SocketGateway } from './adapters/gateway/socket-gateway.ts'
import { ThreadedMailbox } from './adapters/mailbox/threaded-mailbox.ts'
import { ForkedOutboxReader } from './adapters/outbox-reader/forked-outbox-reader.ts'
import { SkillFolders } from './adapters/skills/skill-folders.ts'
import { type Channels, channelTable } from './channels.ts'
import { isAdmin } from './chat-commands/command.ts'
import { CHAT_COMMANDS } from './chat-commands/table.ts'
import { type Install, readSecretFile } from './config/load.ts'
import { type InstallConfig, RUNTIMES, type WantedImage } from './config/schema.ts'
import type { Core } from './core.ts'
import type { GroupName } from './domain/ids.ts'
import type { Channel } from './domain/ports/channel.ts'
import type { FileStore } from './domain/ports/files.ts'
import type { Gateway } from './domain/ports/gateway.ts'
import { type EgressParts, egressParts } from './egress-parts.ts'
import type { HostParts } from './host.ts'
import type { Log } from './log.ts'
import { specHash } from './sandboxes/sandbox-spec.ts'
import { hostSecret, type SecretParts, secretParts } from './secret-parts.ts'
import { transcriberOf } from './voice-parts.ts'

type TelegramBot = InstallConfig['telegram'][number]

const ENGINE_CHECK_MS = 15_000
const PACKAGES_SCRIPT = join('setup', 'install-packages.sh')

/** How a group is right now, for the page; known only once the host runs. */
export type GroupState = (group: GroupName) => { provider: string; state: string }

export interface RealParts extends HostParts {
  readonly terminal: TerminalChannel
  readonly web: WebChannel | null
  readonly secrets: SecretParts
  readonly egress: EgressParts
}

/** How tools' servers are found and known; the system's way unless a test has servers of its own. */
export type Network = Pick<ToolPorts, 'lookup' | 'trust'>

/** Makes every part; opens nothing yet. Throws ConfigError for settings that cannot work. */
export async function realParts(
  core: Core,
  log: Log,
  stateOf: GroupState,
  network: Network = { lookup: new HostLookup(), trust: null },
): Promise<RealParts> {
  const { install, clock } = core
  const { paths, config } = install
  const terminal = new TerminalChannel({
    chats: core.terminalChats,
    clock,
    onFault: (what, error) => log.error({ err: error, what }, 'terminal chat fault'),
  })
  const { files, groupFiles } = fileParts(core, log)
  const web = webChannel(core, log, stateOf, files)
  const secrets = secretParts(core, log)
  const egress = egressParts(core, log)
  const socketPath = installSocket(install)
  const engine = new DockerEngine({
    socketPath,
    installId: core.installId,
    specHash,
    clock,
    ...(config.engine.runtime ? { runtime: config.engine.runtime } : {}),
  })
  return {
    core,
    log,
    terminal,
    web,
    engine,
    mailbox: new ThreadedMailbox({ paths, clock }),
    reader: new ForkedOutboxReader({ paths }),
    doorbell: new SocketDoorbell({ paths }),
    gateway: gateway(core, log, { secrets, egress, network }),
    secrets,
    egress,
    channels: await channels(core, log, { files, terminal, web }),
    files,
    groupFiles,
    transcriber: transcriberOf(core),
    // An engine that is too old would take a sandbox and leave out what it does not know of its bounds.
    image: rememberSuccess(async (wanted) => {
      await engine.check(AbortSignal.timeout(ENGINE_CHECK_MS))
      return agentImage(install, wanted, (line) => log.debug({ line }, 'image build'))
    }),
    packageBuilder: new DockerPackages({
      ...{ socketPath, installId: core.installId, script: join(install.projectDir, PACKAGES_SCRIPT) },
      npm: () => readNpmConfig(install.env.extraCaCerts),
      ...(install.env.pipIndex ? { pipIndex: install.env.pipIndex } : {}),
    }),
    prepareFolders: (group) => prepareGroupFolders(paths, group, process.getuid?.() ?? -1),
    skills: new SkillFolders(paths),
    random: systemRandom,
  }
}

/** What the host keeps of files, and what each group may read of it. */
export function fileParts(core: Core, log: Log): { files: DiskFileStore; groupFiles: DiskGroupFiles } {
  const { install, clock, attachments } = core
  const { group_mb, total_mb, keep_days } = install.config.files
  const keepMs = keep_days * 86_400_000
  const base = { paths: install.paths, clock, keepMs, inUse: () => attachments.inUse() }
  const onFault = (what: string, error: unknown) => log.error({ err: error, what }, 'file store fault')
  return {
    files: new DiskFileStore({ ...base, maxBytes: total_mb * 1_000_000, onFault }),
    groupFiles: new DiskGroupFiles({ ...base, maxBytes: group_mb * 1_000_000 }),
  }
}

/** Path of the engine's socket. */
export function installSocket(install: Install): string {
  return engineSocket({ configured: install.config.engine.socket, dockerHost: install.env.dockerHost })
}

/** Name of the image that agents are built on. */
export async function baseImage(install: Install): Promise<string> {
  const configured = install.config.engine.base_image
  return configured === '' ? baseImageTag(join(install.projectDir, 'setup', 'base-image.sh')) : configured
}

/** Tag of the image that such groups run on; builds it when it is missing. `onLine` gets the build's output. */
export async function agentImage(
  install: Install,
  wanted: WantedImage,
  onLine: (line: string) => void,
): Promise<string> {
  return ensureAgentImage({
    socketPath: installSocket(install),
    containerDir: join(install.projectDir, 'container'),
    base: await baseImage(install),
    ...contentsOf(install, wanted),
    npm: () => readNpmConfig(install.env.extraCaCerts),
    onProgress: onLine,
  })
}

/** Tag of the image that such groups run on, whether it is there or not. */
export async function expectedAgentImage(install: Install, wanted: WantedImage): Promise<string> {
  const containerDir = join(install.projectDir, 'container')
  return agentImageTag(containerDir, await baseImage(install), contentsOf(install, wanted))
}

/** A provider that is all ours runs on the small image without any runtime. */
function contentsOf(install: Install, { provider, image }: WantedImage): ImageContents {
  const own = RUNTIMES.filter((name) => name === provider)
  const runtimes = own.length > 0 && install.config.engine.images === 'full' ? RUNTIMES : own
  return { runtimes, browser: image?.browser ?? false }
}

function gateway(
  { install, clock }: Core,
  log: Log,
  { secrets, egress, network }: { secrets: SecretParts; egress: EgressParts; network: Network },
): Gateway {
  const { credentials, keeper } = secrets
  const { policy, audit, limits } = egress
  const { anthropic, openai } = install.config.models
  const socketGateway = new SocketGateway({
    paths: install.paths,
    services: {
      anthropic: { baseUrl: anthropic.base_url },
      openai: { baseUrl: openai.base_url },
      chatgpt: { baseUrl: openai.chatgpt_base_url },
    },
    credentials,
    reports: {
      refused: (group, { method, path }, reason) =>
        log.warn({ event: 'gateway.refused', group, method, path, reason }, 'request refused'),
      upstreamFailed: (group, api, reason) =>
        log.warn({ event: 'gateway.upstream_failed', group, api, reason }, 'model service failed'),
      answered: (group, api, answer) =>
        log.info({ event: 'gateway.answered', group, api, ...answer }, 'model service answers'),
    },
    tools: {
      ...{ policy, audit, limits, clock, secrets: credentials },
      authority: new CertificateAuthority({ files: install.paths.gatewayAuthority, clock }),
      ...network,
      loopMark: `creel-${randomUUID()}`,
    },
  })
  return {
    open: (group) => socketGateway.open(group),
    // Nobody asks any more: what is still being renewed is written before the data directory is let go.
    close: async () => {
      await socketGateway.close()
      await keeper.settle()
      try {
        audit.write()
      } catch (error) {
        log.warn({ event: 'egress.not_written', err: error }, 'the last lines of the egress log are lost')
      }
    },
  }
}

function webChannel(core: Core, log: Log, stateOf: GroupState, files: FileStore): WebChannel | null {
  const { web } = core.install.config
  if (!web.enabled) return null
  return new WebChannel({
    host: web.host,
    port: web.port,
    publicUrl: web.public_url,
    logins: core.logins,
    chats: core.webChats,
    files,
    maxFileBytes: core.install.config.files.max_mb * 1_000_000,
    memory: {
      reader: core.memory,
      mayManage: (user, group) => isAdmin(core.roles.roles(user, group)),
    },
    clock: core.clock,
    groups: () => core.groups.names().map((name) => ({ name, ...stateOf(name) })),
    onFault: (what, error) => log.error({ err: error, what }, 'web chat fault'),
  })
}

async function channels(
  core: Core,
  log: Log,
  { files, terminal, web }: { files: FileStore; terminal: TerminalChannel; web: WebChannel | null },
): Promise<Channels> {
  const { install, directory } = core
  const token = async ({ token_secret, token_file }: TelegramBot, index: number) =>
    token_secret === ''
      ? readSecretFile(install, `telegram[${index}].token_file`, token_file)
      : hostSecret(core, token_secret)
  const tokens = await Promise.all(install.config.telegram.map(token))
  const telegrams = install.config.telegram.map(async (bot, index) => {
    const { TelegramChannel } = await import('./adapters/channels/telegram/telegram-channel.ts')
    return new TelegramChannel({
      account: bot.account,
      token: tokens[index] ?? '',
      apiRoot: bot.api_root,
      log: log.child({ channel: 'telegram' }),
      commands: CHAT_COMMANDS.map(({ name, help }) => ({ command: name, description: help })),
      pathOf: (sha256) => files.path(sha256),
      onChatMigrated: (from, to) => directory.moveChat('telegram', bot.account, from, to),
    })
  })
  const all: Channel[] = [...(web ? [web] : []), terminal, ...(await Promise.all(telegrams))]
  return channelTable(all, {
    listen: async () => web?.listen(),
    close: async () => web?.close(),
  })
}

/** Asks for each kind of image until it worked once; a failure is asked again next time. */
function rememberSuccess(make: HostParts['image']): HostParts['image'] {
  const made = new Map<string, Promise<string>>()
  return (wanted) => {
    const key = JSON.stringify([wanted.provider, wanted.image])
    const known = made.get(key)
    if (known) return known
    const making = make(wanted).catch((error: unknown) => {
      made.delete(key)
      throw error
    })
    made.set(key, making)
    return making
  }
}
