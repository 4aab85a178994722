import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { channelTable } from '../src/channels.ts'
import { openHostLog } from '../src/cli/host-log.ts'
import type { Install } from '../src/config/load.ts'
import { openCore } from '../src/core.ts'
import type { SandboxEngine } from '../src/domain/ports/sandbox.ts'
import { Host } from '../src/host.ts'
import { realParts } from '../src/host-parts.ts'
import { Paths } from '../src/paths.ts'
import { BenchChannel } from './bench-channel.ts'
import { makeGroups } from './many-groups.ts'

/** Floods are what is measured: nothing of them is left out. */
export function unbound(install: Install): Install {
  const { limits, chats } = install.config
  const noLimits = { ...limits, sender_per_minute: 0, chat_per_minute: 0, max_waiting: 0 }
  const config = { ...install.config, limits: noLimits, chats: { ...chats, queue_bound: 0 } }
  return { ...install, config }
}

export interface LoadHost extends AsyncDisposable {
  readonly channel: BenchChannel
  readonly dataDir: string
  /** Whether a message does not stand in its inbox yet. */
  waiting(): boolean
}

/** A whole host with its log and so many groups, each bound to the chat of its number; the sandboxes are the engine's. */
export async function startLoadHost(
  install: Install,
  groups: number,
  engine: SandboxEngine,
): Promise<LoadHost> {
  const folder = mkdtempSync(join(tmpdir(), 'creel-load-'))
  const paths = new Paths(join(folder, 'data'), join(folder, 'groups'))
  makeGroups(paths, groups)
  const core = openCore({ ...unbound(install), paths })
  const hostLog = openHostLog(paths.logFile, 'info')
  const channel = new BenchChannel()
  const nothing = async () => undefined
  const host = new Host({
    ...(await realParts(core, hostLog.log, () => ({ provider: 'demo', state: '' }))),
    engine,
    image: async () => 'none',
    channels: channelTable([channel], { listen: nothing, close: nothing }),
  })
  await host.start()
  return {
    channel,
    dataDir: paths.dataDir,
    waiting: () => core.inbound.chatsWithNew().length + core.dispatches.groupsWithPending().length > 0,
    [Symbol.asyncDispose]: async () => {
      await host.stop({ drainMs: 0, stopSandboxes: true })
      hostLog[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
