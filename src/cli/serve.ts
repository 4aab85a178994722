// Runs the host in this process: `creel serve`, and what `creel up` starts.
import { systemRandom } from '../adapters/clock/random.ts'
import { ControlServer } from '../adapters/control/server.ts'
import { LoopWatch } from '../adapters/loop-watch/loop-watch.ts'
import type { Install } from '../config/load.ts'
import { type Core, openCore } from '../core.ts'
import { errorText } from '../domain/errors.ts'
import type { GroupName, UserId } from '../domain/ids.ts'
import { egressWriter } from '../egress-parts.ts'
import { Host } from '../host.ts'
import { type RealParts, realParts } from '../host-parts.ts'
import { existingGroup } from '../operator/group-commands.ts'
import type { Live, OperatorPorts } from '../operator/ports.ts'
import { retentionPump } from '../retention.ts'
import { secretTester, secretWatch } from '../secret-parts.ts'
import { voiceTester } from '../voice-parts.ts'
import { openHostLog, outFileOf } from './host-log.ts'
import { returnMemorySoon } from './return-memory.ts'
import { configuredWebUrl, runOperatorCommand } from './session.ts'
import { TerminalFiles } from './terminal-files.ts'

export interface ServeOptions {
  readonly install: Install
  /** Ends the host gracefully when it aborts. */
  readonly signal: AbortSignal
  /** On a signal stop the sandboxes too, instead of leaving them for the next host to adopt. */
  readonly stopSandboxes: boolean
  /** Called when messages are taken, with a fresh one-time login link, or null without a web chat. */
  readonly onReady: (link: string | null) => void
}

const DRAIN_MS = 10_000

/** Runs until the signal aborts or somebody asks for the end. Throws CreelError when it cannot start. */
export async function serve(options: ServeOptions): Promise<void> {
  const { install } = options
  const core = openCore(install)
  const hostLog = openHostLog(install.paths.logFile, install.config.log_level, {
    clean: (line) => core.mask.clean(line),
    outFile: outFileOf(install.paths),
  })
  const { log } = hostLog
  const loop = new LoopWatch({
    logFile: install.paths.logFile,
    onHeldUp: (longestMs) => log.warn({ event: 'loop.held_up', longestMs }, 'event loop was held up'),
  })
  const ended = Promise.withResolvers<{ stopSandboxes: boolean }>()
  const onAbort = () => ended.resolve({ stopSandboxes: options.stopSandboxes })
  options.signal.addEventListener('abort', onAbort, { once: true })
  const running: { host: Host | null } = { host: null }
  let started: { host: Host; control: ControlServer; parts: RealParts }
  try {
    const parts = await realParts(core, log, (group) => webState(core, running.host, group))
    const host = new Host(parts)
    running.host = host
    const live = liveHost(host, parts, loop, () => ended.resolve({ stopSandboxes: true }))
    const control = new ControlServer({
      socketPath: install.paths.controlSocket,
      terminal: parts.terminal,
      files: new TerminalFiles(parts.files, install.config.files.max_mb * 1_000_000),
      groupNamed: (text) => existingGroup(core, text),
      run: (command, args) => runOperatorCommand(operatorPorts(core, host, parts, live), command, args),
      onTerminalUser: (user) => welcomeTerminalUser(core, user),
    })
    try {
      // The socket last: who can reach it may believe that messages are taken.
      await host.start()
      await control.listen()
    } catch (error) {
      await host.stop({ drainMs: 0, stopSandboxes: false })
      throw error
    }
    started = { host, control, parts }
  } catch (error) {
    core[Symbol.dispose]()
    log.error({ err: error }, 'host could not start')
    await loop.stop()
    throw error
  }
  const watch = secretWatch(core, log, started.parts.secrets.warnings, started.host.notices)
  const noting = egressWriter(core, log, started.parts.egress.audit)
  watch.start()
  noting.start()
  const { retention: store, egressLog, clock } = core
  const forgetting = retentionPump(
    { store, egressLog, clock, days: install.config.retention },
    { log, random: systemRandom },
  )
  forgetting.start()
  log.info({ event: 'host.started', install: core.installId }, 'host started')
  options.onReady(started.parts.web?.createLoginLink() ?? null)
  const keepMemory = returnMemorySoon(loop)
  const { stopSandboxes } = await ended.promise
  log.info({ event: 'host.stopping', stopSandboxes }, 'host stopping')
  keepMemory()
  await started.control.close()
  await watch.stop(1_000)
  await forgetting.stop(1_000)
  await noting.stop(1_000)
  await started.host.stop({ drainMs: DRAIN_MS, stopSandboxes })
  await loop.stop()
  log.info({ event: 'host.stopped' }, 'host stopped')
  log.flush()
  hostLog[Symbol.dispose]()
}

/** Whoever can open the control socket could read the database: they own this install. */
function welcomeTerminalUser(core: Core, user: UserId): void {
  if (!core.roles.isOwner(user)) core.roles.grant(user, 'owner', null, core.clock.now())
}

function operatorPorts(core: Core, host: Host, parts: RealParts, live: Live): OperatorPorts {
  return {
    groups: core.groups,
    directory: core.directory,
    inbound: core.inbound,
    roles: core.roles,
    people: core.people,
    pairings: core.pairings,
    logins: core.logins,
    overview: core.overview,
    usage: core.usage,
    deliveryLog: core.deliveryLog,
    turnLog: core.turnLog,
    clock: core.clock,
    live,
    admission: host.admission,
    ...{ approvals: core.approvals, decisions: host.approvals.decisions },
    ...{ tasks: core.tasks, choices: core.choices, packages: core.packages },
    ...{ toolServers: core.toolServers, groupTraces: core.groupTraces },
    ...{ vault: core.vault, egressRules: core.egressRules, egressLog: core.egressLog, memory: core.memory },
    testVoice: voiceTester(core),
    testSecret: secretTester(core, parts.secrets.keeper),
  }
}

function liveHost(host: Host, parts: RealParts, loop: LoopWatch, shutDown: () => void): Live {
  return {
    running: () => true,
    group: (group) => host.supervisor.status(group),
    channels: () => parts.channels.problems(),
    engineProblem: () => host.engineProblem,
    loopDelay: () => loop.delay(),
    webUrl: () => parts.web?.url ?? configuredWebUrl(parts.core.install),
    sandboxLogs: async (group, lines) => {
      const handle = host.supervisor.handle(group)
      return handle ? parts.engine.logs(handle, lines) : ''
    },
    shutDown,
    terminalPending: (group) => terminalPending(parts.core, group),
    nudgeGroup: (group) => host.nudgeGroup(group),
    packageProgress: (wish, since) => host.packages.progress(wish, since),
    nudgeChat: (chatId) => host.nudgeChat(chatId),
    nudgeDelivery: (chatId) => host.nudgeDelivery(chatId),
  }
}

function terminalPending(core: Core, group: GroupName): boolean {
  const { directory, inbound, dispatches, deliveries, clock } = core
  const address = { channel: 'terminal', account: 'main', chat: group }
  const { id } = directory.chatFor(address, 'private', group, clock.now())
  const isOurs = (inboxSeq: number) => dispatches.inboundOf(group, inboxSeq)?.chatId === id
  return (
    [...inbound.chatsWithNew(), ...deliveries.chatsWithQueued()].includes(id) ||
    dispatches.open(group).some(({ inboxSeq }) => isOurs(inboxSeq)) ||
    [...dispatches.groupsWithPending()].includes(group)
  )
}

function webState(core: Core, host: Host | null, group: GroupName): { provider: string; state: string } {
  try {
    const { provider } = core.groups.load(group)
    const { state, problem } = host?.supervisor.status(group) ?? { state: 'asleep', problem: null }
    return { provider, state: problem === null ? state : `problem: ${problem}` }
  } catch (error) {
    return { provider: '-', state: `problem: ${errorText(error)}` }
  }
}
