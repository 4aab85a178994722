import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { vi } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { HostLookup } from '../../src/adapters/gateway/proxy/host-lookup.ts'
import { channelTable } from '../../src/channels.ts'
import { loadInstall } from '../../src/config/load.ts'
import { openCore } from '../../src/core.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import type { EgressLine } from '../../src/domain/ports/egress-log.ts'
import type { SecretValue } from '../../src/domain/secret.ts'
import { putSecret } from '../../src/domain/vault-edits.ts'
import type { EgressParts } from '../../src/egress-parts.ts'
import { Host } from '../../src/host.ts'
import { realParts } from '../../src/host-parts.ts'
import { testClientsImage } from '../docker/clients-image.ts'
import { ENGINE_SOCKET } from '../docker/test-image.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { silentLog } from './host-tables.ts'
import { ToolsServer } from './tools-server.ts'

/** Names that only this host can resolve; both are the server of the test. */
export const ALLOWED_HOST = 'tools.test'
export const DENIED_HOST = 'denied.test'
/** What the allowed host is asked with, and no sandbox ever holds. */
export const TOKEN = 'token-of-the-tools-5a1d93c07e'

const SKILLS = join(import.meta.dirname, '../../skills')
const GROUP = 'agent' as GroupName
const CHAT = 'clients'
const RUN_MS = 90_000
const END = '-- end of output --'

/** A whole host with a real sandbox that has every client, and a server that one rule of the agent names. */
export class ClientsWorld implements AsyncDisposable {
  readonly server: ToolsServer
  readonly #folder: string
  readonly #host: Host
  readonly #channel: FakeChannel
  readonly #egress: EgressParts

  private constructor(parts: {
    server: ToolsServer
    folder: string
    host: Host
    channel: FakeChannel
    egress: EgressParts
  }) {
    this.server = parts.server
    this.#folder = parts.folder
    this.#host = parts.host
    this.#channel = parts.channel
    this.#egress = parts.egress
  }

  static async make(): Promise<ClientsWorld> {
    const image = await testClientsImage()
    const server = await ToolsServer.start(ALLOWED_HOST)
    const folder = mkdtempSync(join(tmpdir(), 'creel-clients-'))
    const channel = new FakeChannel({ partLimit: 100_000 })
    const { DOCKER_HOST, HOME } = process.env
    const environment = {
      ...{ DOCKER_HOST, HOME, TZ: 'UTC', CREEL_SKILLS_DIR: SKILLS },
      CREEL_MASTER_KEY_FILE: join(folder, 'keys', 'key'),
    }
    const core = openCore(loadInstall(folder, environment))
    const { port } = server
    core.groups.add(GROUP, {
      provider: 'demo',
      image: { browser: true },
      secrets: ['tools'],
      egress: [{ host: ALLOWED_HOST, ports: [port], methods: [], paths: [], private: true }],
    })
    const secret: SecretValue = {
      kind: 'bearer',
      token: TOKEN,
      hosts: [`${ALLOWED_HOST}:${port}`],
      paths: [],
    }
    await core.vault.change(putSecret('tools', secret, core.clock.now()))
    const { id } = core.directory.chatFor(channel.address(CHAT), 'group', CHAT, core.clock.now())
    const how = { engage: 'always', session: 'shared', senders: 'open', queue: 'follow_up' } as const
    core.directory.bind(id, GROUP, how, core.clock.now())
    const nothing = async () => undefined
    const network = {
      lookup: new HostLookup(async () => [{ address: '127.0.0.1', family: 4 }]),
      trust: createSecureContext({ ca: server.ca }),
    }
    const parts = await realParts(core, silentLog, () => ({ provider: 'demo', state: '' }), network)
    const host = new Host({
      ...parts,
      channels: channelTable([channel], { listen: nothing, close: nothing }),
      image: async () => image,
    })
    await host.start()
    return new ClientsWorld({ server, folder, host, channel, egress: parts.egress })
  }

  url(host: string, path: string): string {
    return `https://${host}:${this.server.port}${path}`
  }

  /** Runs a command in the sandbox as the agent does; how it ended, and what it printed. */
  async run(command: string): Promise<string> {
    const address = this.#channel.address(CHAT)
    const before = this.#channel.shown(address).length
    // A long answer comes in parts.
    const whole = `(${command}); code=$?; echo '${END}'; exit $code`
    this.#channel.say(`/demo shell ${whole}`, { address, chatTitle: CHAT })
    const said = () => this.#channel.shown(address).slice(before).join('\n')
    await vi.waitFor(
      () => {
        if (!said().includes(END)) throw new Error(`no answer to ${command}`)
      },
      { timeout: RUN_MS, interval: 20 },
    )
    return said()
  }

  /** A file that the agent left in its workspace. */
  file(name: string): Buffer {
    return readFileSync(join(this.#host.parts.core.install.paths.workspace(GROUP), name))
  }

  /** What the host noted of refusals, newest first. */
  deniedLines(): readonly EgressLine[] {
    this.#egress.audit.write()
    return this.#host.parts.core.egressLog.lines({ group: GROUP, outcome: 'denied' }, 10)
  }

  /** Those of the sandbox, as this machine numbers them. */
  async processes(): Promise<number[]> {
    const id = this.#host.supervisor.handle(GROUP)?.id
    if (id === undefined) throw new Error('the sandbox is gone')
    const { Processes } = (await engineClient(ENGINE_SOCKET)
      .getContainer(id)
      .top({ ps_args: '-eo pid' })) as {
      Processes: string[][]
    }
    return Processes.map(([pid]) => Number(pid))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.stop({ drainMs: 0, stopSandboxes: true })
    await this.server[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true })
  }
}
