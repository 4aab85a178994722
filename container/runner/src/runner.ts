import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DOORBELL_FILE,
  FILES_FOLDER,
  GATEWAY_FILE,
  GATEWAY_PORT,
  HEARTBEAT_FILE,
  INBOX_FILE,
  OUTBOX_FILE,
  OutboxWriter,
  PROTOCOL_VERSION,
  RunnerSettings,
  SANDBOX_PATHS,
  SETTINGS_FILE,
} from '@creel/protocol'
import type { Clock } from './clock.ts'
import { Conversations } from './conversations.ts'
import { DoorbellClient } from './doorbell-client.ts'
import { GatewayForwarder } from './gateway-forwarder.ts'
import { beat } from './heartbeat.ts'
import { HostCalls } from './host-calls.ts'
import { InboxFeed } from './inbox-feed.ts'
import { Intake } from './intake.ts'
import { type EventLog, errorText } from './log.ts'
import { answerMemoryCommand } from './memory/memory-command.ts'
import { MemoryFiles } from './memory/memory-files.ts'
import { withModuleFragments } from './module-fragments.ts'
import { type Outbox, OutboxCommits } from './outbox-commits.ts'
import { OutgoingFiles } from './outgoing-files.ts'
import type {
  ProcessEnding,
  ProviderEntry,
  ProviderParts,
  ProviderRuntime,
  ProviderTable,
} from './provider.ts'
import { turnTogether } from './queue-mode.ts'
import { RunnerRefusal } from './refusal.ts'
import { SessionLanes } from './session-lanes.ts'
import { SessionTokens } from './session-tokens.ts'
import { isPassing } from './sqlite-error.ts'
import { toolEnvironment, withToolEnvironment } from './tool-environment.ts'
import type { ToolFolders } from './tools/tool.ts'
import type { ToolServer } from './tools/tool-access.ts'
import { ToolDesk } from './tools/tool-desk.ts'
import type { ToolServerParts } from './tools/tool-server.ts'
import { Transcript } from './transcript.ts'
import type { MessageJob } from './turn-messages.ts'
import { TurnRunner } from './turn-runner.ts'
import { Wake } from './wake.ts'

export interface RunnerOptions {
  readonly inDir: string
  readonly outDir: string
  readonly runDir: string
  readonly homeDir: string
  readonly workspaceDir: string
  readonly skillsDir: string
  readonly memoryDir: string
  readonly clock: Clock
  readonly providers: ProviderTable
  readonly startToolServer: (parts: ToolServerParts) => Promise<ToolServer>
  readonly log: EventLog
  readonly ending: ProcessEnding
  /** Another port than the one of the protocol, or null to offer no gateway: outside of a container. */
  readonly gatewayPort?: number | null
  /** Another outbox in place of the real one, for tests that break it. */
  readonly openOutbox?: (path: string) => Outbox & Disposable
}

export interface Runner {
  /**
   * Works off the inbox until `signal` aborts; then hands running turns back unsettled and resolves. Rejects with
   * RunnerRefusal when it cannot start; every waiting message stays unsettled. To be called once.
   */
  run(signal: AbortSignal): Promise<void>
}

/** The sandbox side of a group's mailbox. Everything it touches is in `options`, so it runs in a test as well. */
export function createRunner(options: RunnerOptions): Runner {
  return { run: (signal) => runUntil(signal, options) }
}

async function runUntil(signal: AbortSignal, options: RunnerOptions): Promise<void> {
  const { clock, log } = options
  const gatewayPort = options.gatewayPort === undefined ? GATEWAY_PORT : options.gatewayPort
  const environment = toolEnvironment(options.runDir, gatewayPort)
  const settings = withToolEnvironment(withModuleFragments(readSettings(options.inDir)), environment)
  const entry = providerEntry(options.providers, settings.provider)
  const stopped = new AbortController()
  const stopping = AbortSignal.any([signal, stopped.signal])
  const background: Promise<void>[] = []
  const wake = new Wake(clock)
  const doorbell = new DoorbellClient({
    path: join(options.runDir, DOORBELL_FILE),
    clock,
    onRing: () => wake.ring(),
  })
  const outbox = openOutbox(options)
  const inbox = new InboxFeed(join(options.inDir, INBOX_FILE), log)
  const commits = new OutboxCommits({ outbox, clock, log, ring: () => doorbell.ring() })
  const { workspaceDir } = options
  const files = new OutgoingFiles({ folder: join(options.outDir, FILES_FOLDER), workspaceDir, log })
  const calls = new HostCalls({ commits, clock })
  const desk = new ToolDesk({ settings, outbox, commits, files, calls, clock })
  const gateway =
    gatewayPort === null
      ? undefined
      : new GatewayForwarder({ port: gatewayPort, path: join(options.runDir, GATEWAY_FILE), clock })
  const parts = { ...options, settings, toolEnvironment: environment }
  const { provider, close } = await startProvider(entry, { parts, desk, gateway }).catch((error: unknown) => {
    inbox[Symbol.dispose]()
    outbox[Symbol.dispose]()
    throw error
  })
  const filesIn = join(options.inDir, FILES_FOLDER)
  const { memoryDir, homeDir } = options
  const memory = new MemoryFiles(memoryDir, log)
  memory.prepare()
  const conversations = new Conversations({
    provider: settings.provider,
    oneModel: provider.oneModel ?? false,
    tokens: new SessionTokens(homeDir, log),
    transcript: new Transcript(memoryDir, log),
    memory,
    memoryPath: SANDBOX_PATHS.memory,
    filesIn,
    clock,
    log,
  })
  const turns = new TurnRunner({
    ...{ settings, provider, outbox, commits, conversations, desk, files, filesIn, clock, log, stopping },
    answerMemory: (message) =>
      answerMemoryCommand(message, { files: memory, memoryDir, homeDir, filesIn, clock, log }),
    ...{ workspaceDir, toolEnvironment: environment },
  })
  const lanes: SessionLanes<MessageJob> = new SessionLanes<MessageJob>({
    concurrency: settings.concurrency,
    together: turnTogether,
    begin: (jobs) => turns.begin(jobs, lanes),
  })
  const intake = new Intake({ outbox, inbox, commits, files, lanes, calls, log, stopping })
  try {
    background.push(beat(join(options.outDir, HEARTBEAT_FILE), clock, log, stopping))
    // The first message begins before anything else is set up.
    intake.take()
    // Nothing that the message starts is as fast as this.
    if (gateway && !entry.needsGateway) offer(gateway, log)
    log('runner_started', { group: settings.group, provider: settings.provider })
    background.push(
      doorbell.run(stopping),
      files.start(() => outbox.namedFiles()),
    )
    while (!stopping.aborted) {
      await wake.wait(settings.pollMs, stopping)
      if (!stopping.aborted) intake.take()
    }
  } finally {
    stopped.abort()
    await lanes.stop()
    await close()
    await Promise.all(background)
    inbox[Symbol.dispose]()
    outbox[Symbol.dispose]()
    log('runner_stopped')
  }
}

interface StartParts {
  readonly parts: RunnerOptions & ProviderParts
  readonly desk: ToolDesk
  readonly gateway: GatewayForwarder | undefined
}

/** The runtime, the way out that it needs and its tools. Leaves nothing behind when it fails. */
async function startProvider(
  entry: ProviderEntry,
  { parts, desk, gateway }: StartParts,
): Promise<{ provider: ProviderRuntime; close: () => Promise<void> }> {
  let tools: Promise<ToolServer> | undefined
  const startTools = () => {
    tools ??= parts.startToolServer({ ...parts, desk, folders: toolFolders(parts) })
    return tools
  }
  const closeDoors = async () => {
    const started = await tools?.catch(() => undefined)
    await Promise.all([gateway?.close(), started?.close()])
  }
  try {
    if (entry.needsGateway) await gateway?.listen()
    const provider = await entry.make({ ...parts, startTools })
    return { provider, close: () => provider.close().finally(closeDoors) }
  } catch (error) {
    await closeDoors()
    throw error
  }
}

/** Tools of the agent lack their way out when the port is taken; its turns are answered all the same. */
function offer(gateway: GatewayForwarder, log: EventLog): void {
  gateway.listen().catch((error: unknown) => log('gateway_not_offered', { error: errorText(error) }))
}

function toolFolders({ workspaceDir, memoryDir, homeDir }: RunnerOptions): ToolFolders {
  return { workspace: workspaceDir, memory: memoryDir, home: homeDir, temporary: tmpdir() }
}

function providerEntry(providers: ProviderTable, name: string): ProviderEntry {
  const entry = Object.hasOwn(providers, name) ? providers[name] : undefined
  if (entry) return entry
  const known = Object.keys(providers).join(', ')
  throw new RunnerRefusal(
    `container.json: provider: expected one that this image has (${known}), got "${name}"`,
  )
}

function readSettings(inDir: string): RunnerSettings {
  const path = join(inDir, SETTINGS_FILE)
  try {
    const settings = RunnerSettings.parse(JSON.parse(readFileSync(path, 'utf8')))
    if (settings.protocol === PROTOCOL_VERSION) return settings
    throw new Error(
      `protocol: expected ${PROTOCOL_VERSION} (this image), got ${settings.protocol} (the host); rebuild the image`,
    )
  } catch (error) {
    throw new RunnerRefusal(`${path}: ${errorText(error)}`, { cause: error })
  }
}

function openOutbox(options: RunnerOptions): Outbox & Disposable {
  const path = join(options.outDir, OUTBOX_FILE)
  try {
    return options.openOutbox ? options.openOutbox(path) : new OutboxWriter(path)
  } catch (error) {
    if (isPassing(error)) throw error
    throw new RunnerRefusal(errorText(error), { cause: error })
  }
}
