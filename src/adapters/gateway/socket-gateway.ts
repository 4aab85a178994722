import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { Gateway, ModelApi, ModelCredentials } from '../../domain/ports/gateway.ts'
import type { Paths } from '../../paths.ts'
import { forward, type Service } from './forward.ts'
import { GroupDoor } from './group-door.ts'
import { ReportLimit } from './report-limit.ts'

/** What the log is to hold; never a body, a query or a key. Not more than some lines a minute for each group. */
export interface GatewayReports {
  refused(group: GroupName, request: { method: string; path: string }, reason: string): void
  upstreamFailed(group: GroupName, api: ModelApi, reason: string): void
}

export interface SocketGatewayOptions {
  readonly paths: Paths
  /** Base URL of each service. */
  readonly services: Readonly<Record<ModelApi, { readonly baseUrl: string }>>
  readonly credentials: ModelCredentials
  readonly reports: GatewayReports
}

const SHOWN_PATH = 100

/** One unix socket per group, in the folder that its sandbox sees read-only. It serves calls of models and no others. */
export class SocketGateway implements Gateway {
  readonly #options: SocketGatewayOptions
  readonly #services: Readonly<Record<ModelApi, Service>>
  readonly #doors = new Map<GroupName, GroupDoor>()
  #closed = false

  constructor(options: SocketGatewayOptions) {
    this.#options = options
    const service = (api: ModelApi): Service => {
      const baseUrl = new URL(options.services[api].baseUrl)
      const agent =
        baseUrl.protocol === 'https:'
          ? new HttpsAgent({ keepAlive: true })
          : new HttpAgent({ keepAlive: true })
      return { api, baseUrl, agent }
    }
    this.#services = { anthropic: service('anthropic'), openai: service('openai') }
  }

  async open(group: GroupName): Promise<void> {
    if (this.#closed) throw new CreelError('unavailable', 'the gateway is closed')
    const door = this.#doors.get(group) ?? this.#makeDoor(group)
    this.#doors.set(group, door)
    await door.listen()
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#doors.values()].map((door) => door.close()))
    for (const { agent } of Object.values(this.#services)) agent.destroy()
  }

  #makeDoor(group: GroupName): GroupDoor {
    const { credentials, reports, paths } = this.#options
    const limit = new ReportLimit()
    const report = (send: (note: string) => void) => {
      // What breaks because the host stops is no news.
      if (this.#closed) return
      const turn = limit.next()
      if (turn !== 'no') send(turn === 'last' ? ' (more of this minute are left out)' : '')
    }
    return new GroupDoor({
      path: paths.gateway(group),
      onCall: (request, response, call) =>
        forward({
          request,
          response,
          call,
          service: this.#services[call.api],
          key: credentials.keyFor(group, call.api),
          onFailed: (reason) => report((note) => reports.upstreamFailed(group, call.api, reason + note)),
        }),
      onRefused: ({ method, target }, reason) =>
        report((note) => reports.refused(group, { method, path: shownPath(target) }, reason + note)),
    })
  }
}

/** Enough of what was asked for to know what it was; a query may hold what must not be logged. */
function shownPath(target: string): string {
  return (target.split('?')[0] ?? '').slice(0, SHOWN_PATH)
}
