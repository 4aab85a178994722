// A whole host that dies where it is told to. `chaos-host.ts <ChaosHostSetup as JSON>`; everything but the engine, one
// channel and the tripwires is what `creel serve` runs.
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { GATEWAY_FILE } from '@creel/protocol'
import { destination, pino } from 'pino'
import { steadyClock } from '../../src/adapters/clock/steady-clock.ts'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { channelTable } from '../../src/channels.ts'
import { loadInstall } from '../../src/config/load.ts'
import { openCore } from '../../src/core.ts'
import type { UnixMs } from '../../src/domain/ids.ts'
import type { Clock } from '../../src/domain/ports/clock.ts'
import { Host } from '../../src/host.ts'
import { realParts } from '../../src/host-parts.ts'
import { type Arm, Tripwire } from './crash-points.ts'
import { MUTATIONS } from './mutations.ts'
import { ProcessEngineClient } from './process-engine-client.ts'
import { SureChannel } from './sure-channel.ts'

export interface ChaosHostSetup {
  readonly projectDir: string
  readonly env: Readonly<Record<string, string>>
  readonly worldUrl: string
  readonly logFile: string
  readonly arm: Arm | null
  readonly noteFile: string
  /** How many seconds of the host's clock one second takes. */
  readonly speed: number
  /** Holds how many milliseconds this machine's clock has jumped. */
  readonly clockFile: string
  /** Sandboxes as processes of the world, or containers of the real engine. */
  readonly engine: 'process' | 'docker'
  readonly mutation: string | null
}

const setup = JSON.parse(process.argv[2] ?? '') as ChaosHostSetup
const jump = () => Number(readFileSync(setup.clockFile, 'utf8'))
const begun = systemClock.now()
const clock: Clock = steadyClock(
  {
    now: () => Math.round(begun + (systemClock.now() - begun) * setup.speed + jump()) as UnixMs,
    sleep: (ms, signal) => systemClock.sleep(ms / setup.speed, signal),
  },
  () => performance.now() * setup.speed,
)
const log = pino({ level: 'info' }, destination({ dest: setup.logFile, append: true, sync: true }))
const core = openCore(loadInstall(setup.projectDir, setup.env), clock)
const real = await realParts(core, log, () => ({ provider: 'demo', state: '' }))
const sure = new SureChannel(setup.worldUrl)
const telegram = real.channels.all.find(({ name }) => name === 'telegram')
if (!telegram) throw new Error('no telegram channel is configured')
const nothing = async () => undefined
const parts = {
  ...real,
  channels: channelTable([telegram, sure], { listen: nothing, close: nothing }),
  ...(setup.engine === 'docker'
    ? {}
    : { engine: new ProcessEngineClient(setup.worldUrl), image: async () => 'processes' }),
}

MUTATIONS.find(({ name }) => name === setup.mutation)?.breakIt(parts)
const wire = new Tripwire(setup.arm, setup.noteFile)
for (const method of ['record', 'together', 'routed']) wire.guard(core.inbound, method, `inbound.${method}`)
wire.guard(core.commits, 'run', 'commits.run')
wire.guard(parts.files, 'add', 'files.add')
wire.guard(parts.files, 'collect', 'files.collect')
wire.guard(core.attachments, 'ready', 'attachments.ready')
wire.guard(parts.groupFiles, 'give', 'groupFiles.give')
for (const method of ['put', 'putAll']) wire.guard(parts.mailbox, method, 'mailbox.put')
wire.guard(parts.mailbox, 'prune', 'mailbox.prune')
wire.guard(core.dispatches, 'placed', 'dispatches.placed')
wire.guard(core.outboxes, 'record', 'outboxes.record')
for (const method of ['sending', 'sent', 'retry']) {
  wire.guard(core.deliveries, method, `deliveries.${method}`)
}
for (const method of ['decide', 'finish', 'markTold', 'markCardSettled']) {
  wire.guard(core.approvals, method, 'approvals.commit')
}
for (const method of ['answer', 'told']) wire.guard(core.hostCalls, method, 'calls.commit')
wire.guard(core.tasks, 'claim', 'tasks.claim')
wire.guard(core.agentRequests, 'add', 'agents.asked')
for (const method of ['tell', 'stopped']) wire.guard(core.agentRequests, method, 'agents.told')
wire.guard(core.waiting, 'summarised', 'waiting.summarised')
wire.guard(telegram, 'send', 'telegram.send')
wire.guard(sure, 'send', 'sure.send')
wire.guard(parts.engine, 'start', 'engine.start')

/** Connections of sandboxes to the gateway. */
const calls = new Set<Socket>()
subscribe('net.server.socket', (message) => {
  const { socket } = message as { socket: Socket & { server?: Server } }
  const at = socket.server?.address()
  if (typeof at !== 'string' || !at.endsWith(GATEWAY_FILE)) return
  calls.add(socket)
  socket.once('close', () => calls.delete(socket))
})
// The gateway is a part of this process: killing it alone is cutting all that goes through it.
process.on('SIGUSR2', () => {
  for (const socket of calls) socket.destroy()
})

const host = new Host(parts)
const ended = Promise.withResolvers<void>()
process.on('SIGTERM', () => ended.resolve())
await host.start()
process.stdout.write('ready\n')
await ended.promise
await host.stop({ drainMs: 10_000, stopSandboxes: true })
process.exit(0)
