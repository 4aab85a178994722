import { createServer, type IncomingMessage, type Server } from 'node:http'
import { resolve } from 'node:path'
import type { MachineFacts } from '../../setup/machine-facts.ts'
import { Steps } from '../../setup/step.ts'
import type { SetupWorld } from '../../setup/wizard/world.ts'
import { loadInstall } from '../../src/config/load.ts'
import { CliRig } from '../cli/cli-rig.ts'
import { ANSWERS, FakeMachine, type FakeMachineScript } from '../fakes/fake-machine.ts'

const PROJECT = resolve(import.meta.dirname, '../..')

export const GOOD_FACTS: MachineFacts = {
  arch: 'x64',
  nodeVersion: 'v24.0.0',
  memory: () => ({ totalMb: 8_000, availableMb: 6_000 }),
  freeBytes: () => 50 * 1024 ** 3,
  listen: async () => 'free',
  firewall: () => null,
}

/** A set-up on a described machine, with real settings, a real database and a real vault in a folder of its own. */
export class SetupRig implements Disposable {
  readonly cli = new CliRig()
  readonly said: string[] = []
  readonly stop = new AbortController()
  readonly #servers: Server[] = []

  constructor() {
    // Only creel.toml says where data is: the wizard may change it.
    delete this.cli.env.CREEL_DATA_DIR
    this.cli.config(`data_dir = "${this.cli.dataDir}" # mine\n`)
  }

  world(facts: Partial<MachineFacts> = {}, script: FakeMachineScript = {}): SetupWorld {
    const { cli } = this
    const say = (line: string) => void this.said.push(line)
    const nobody = { yes: true, interactive: false, ask: async () => false }
    return {
      context: {
        projectDir: PROJECT,
        env: cli.env,
        output: { out: say, err: say },
        signal: this.stop.signal,
      },
      parts: {
        machine: new FakeMachine({ ping: ANSWERS, ...script }),
        consent: nobody,
        steps: new Steps({ out: { write: say } }),
      },
      facts: { ...GOOD_FACTS, ...facts },
      install: () => loadInstall(PROJECT, cli.env),
      say,
      chosen: {},
    }
  }

  get text(): string {
    return this.said.join('\n')
  }

  /** A model service that knows one key; returns its address. */
  async modelService(goodKey: string): Promise<string> {
    return this.#serve((request) => {
      const { authorization, 'x-api-key': key } = request.headers
      const isGood = key === goodKey || authorization === `Bearer ${goodKey}`
      return isGood ? [200, { data: [] }] : [401, { error: `bad key ${key ?? authorization}` }]
    })
  }

  /** A Bot API server that knows one bot; returns its address. */
  async botApi(token: string, me: object = {}): Promise<string> {
    const result = { id: 1, is_bot: true, first_name: 'Test', username: 'test_bot', ...me }
    return this.#serve(({ url }) =>
      url === `/bot${token}/getMe` ? [200, { ok: true, result }] : [401, { ok: false }],
    )
  }

  async #serve(answer: (request: IncomingMessage) => readonly [number, object]): Promise<string> {
    const server = createServer((request, response) => {
      const [status, body] = answer(request)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    this.#servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return `http://127.0.0.1:${address.port}`
  }

  [Symbol.dispose](): void {
    for (const server of this.#servers) {
      server.closeAllConnections()
      server.close()
    }
    this.cli[Symbol.dispose]()
  }
}
