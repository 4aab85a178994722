import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { channelTable } from '../src/channels.ts'
import type { Install } from '../src/config/load.ts'
import type { GroupConfig } from '../src/config/schema.ts'
import { openCore } from '../src/core.ts'
import { isGroupName } from '../src/domain/ids.ts'
import { Host } from '../src/host.ts'
import { agentImage, type Network, realParts } from '../src/host-parts.ts'
import { Paths } from '../src/paths.ts'
import { BenchChannel } from './bench-channel.ts'
import { unbound } from './load-host.ts'

export interface BenchHost extends AsyncDisposable {
  readonly host: Host
  readonly channel: BenchChannel
  readonly image: string
  /** Sends `/demo clock` and returns when the turn began and ended, and when commit and send happened. */
  roundTrip(): Promise<{ committed: number; begun: number; ended: number; sent: number }>
}

const GROUP = 'bench'

/** A real host with real sandboxes in a data directory of its own; only the channel is made up. */
export async function startBenchHost(
  install: Install,
  say: (line: string) => void,
  container?: Partial<GroupConfig>,
  network?: Network,
): Promise<BenchHost> {
  const bench = await startGroups(install, [GROUP], say, container, network)
  return { ...bench, roundTrip: () => roundTrip(bench.channel) }
}

/** The same with several groups; each answers the chat that has its name. */
export async function startGroups(
  install: Install,
  groups: readonly string[],
  say: (line: string) => void,
  container: Partial<GroupConfig> = { provider: 'demo' },
  network?: Network,
): Promise<Omit<BenchHost, 'roundTrip'>> {
  say('looking for the agent image')
  const image = await agentImage(install, { provider: 'demo', ...container }, say)
  const folder = mkdtempSync(join(tmpdir(), 'creel-bench-'))
  const paths = new Paths(join(folder, 'data'), join(folder, 'groups'))
  const core = openCore({ ...unbound(install), paths })
  const channel = new BenchChannel()
  for (const group of groups) {
    if (!isGroupName(group)) throw new Error('bad group name')
    core.groups.add(group, container)
    const chat = core.directory.chatFor(channel.address(group), 'private', 'bench', core.clock.now())
    core.directory.bind(
      chat.id,
      group,
      { engage: 'always', session: 'shared', senders: 'open', queue: 'follow_up' },
      core.clock.now(),
    )
  }
  const nothing = async () => undefined
  const host = new Host({
    ...(await realParts(core, pino({ level: 'silent' }), () => ({ provider: 'demo', state: '' }), network)),
    channels: channelTable([channel], { listen: nothing, close: nothing }),
  })
  await host.start()
  return {
    host,
    channel,
    image,
    [Symbol.asyncDispose]: async () => {
      await host.stop({ drainMs: 0, stopSandboxes: true })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function roundTrip(channel: BenchChannel) {
  const next = channel.nextSent()
  const committed = channel.say(GROUP, '/demo clock')
  const sent = await next
  const [begun, ended] = sent.text.match(/\d+\.\d+/g)?.map(Number) ?? []
  if (begun === undefined || ended === undefined)
    throw new Error(`unexpected answer: ${sent.text.slice(0, 200)}`)
  return { committed, begun, ended, sent: sent.at }
}
