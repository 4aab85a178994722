import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { CreelError, errorText } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { Gateway, ModelApi, ModelCredential, ModelCredentials } from '../../domain/ports/gateway.ts'
import type { Paths } from '../../paths.ts'
import { answerError } from './error-answer.ts'
import { forward, type Service } from './forward.ts'
import { GroupDoor } from './group-door.ts'
import { callWithLogin, type ModelCall } from './model-calls.ts'
import type { CertificateAuthority } from './proxy/certificate-authority.ts'
import type { ToolPorts } from './proxy/tool-context.ts'
import { ToolTraffic } from './proxy/tool-traffic.ts'
import { ReportLimit } from './report-limit.ts'
import { TrustFiles } from './trust-files.ts'

/** What the log is to hold; never a body, a query or a key. Not more than some lines a minute for each group. */
export interface GatewayReports {
  refused(group: GroupName, request: { method: string; path: string }, reason: string): void
  upstreamFailed(group: GroupName, api: ModelApi, reason: string): void
  /** The model service began to answer, so long after it was asked. */
  answered(group: GroupName, api: ModelApi, answer: { status: number; ms: number }): void
}

export interface SocketGatewayOptions {
  readonly paths: Paths
  /** Base URL of each service; `chatgpt` is where OpenAI's models are asked for with a login in place of a key. */
  readonly services: Readonly<Record<ServiceName, { readonly baseUrl: string }>>
  readonly credentials: ModelCredentials
  readonly reports: GatewayReports
  readonly tools: ToolPorts & { readonly authority: Pick<CertificateAuthority, 'certificate' | 'contextFor'> }
}

type ServiceName = ModelApi | 'chatgpt'
type Report = (send: (note: string) => void) => void

const SHOWN_PATH = 100

/** One unix socket per group, in the folder that its sandbox sees read-only. It serves calls of models, and is the proxy of tools. */
export class SocketGateway implements Gateway {
  readonly #options: SocketGatewayOptions
  readonly #services: Readonly<Record<ServiceName, Service>>
  readonly #doors = new Map<GroupName, GroupDoor>()
  readonly #trust = new TrustFiles()
  #closed = false

  constructor(options: SocketGatewayOptions) {
    this.#options = options
    const service = (api: ModelApi, name: ServiceName = api): Service => {
      const baseUrl = new URL(options.services[name].baseUrl)
      const agent =
        baseUrl.protocol === 'https:'
          ? new HttpsAgent({ keepAlive: true })
          : new HttpAgent({ keepAlive: true })
      return { api, baseUrl, agent }
    }
    this.#services = {
      anthropic: service('anthropic'),
      openai: service('openai'),
      chatgpt: service('openai', 'chatgpt'),
    }
  }

  async open(group: GroupName): Promise<void> {
    if (this.#closed) throw new CreelError('unavailable', 'the gateway is closed')
    const door = this.#doors.get(group) ?? this.#makeDoor(group)
    this.#doors.set(group, door)
    const { paths, tools } = this.#options
    this.#trust.write(paths.runDir(group), await tools.authority.certificate())
    await door.listen()
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#doors.values()].map((door) => door.close()))
    for (const { agent } of Object.values(this.#services)) agent.destroy()
  }

  #makeDoor(group: GroupName): GroupDoor {
    const { reports, paths } = this.#options
    const limited = (limit: ReportLimit): Report => {
      return (send) => {
        // What breaks because the host stops is no news.
        if (this.#closed) return
        const turn = limit.next()
        if (turn !== 'no') send(turn === 'last' ? ' (more of this minute are left out)' : '')
      }
    }
    const report = limited(new ReportLimit())
    // Apart from the others: what goes well must not use up the lines of what does not.
    const reportAnswer = limited(new ReportLimit())
    return new GroupDoor({
      path: paths.gateway(group),
      tools: new ToolTraffic(group, this.#options.tools),
      onCall: (request, response, call) =>
        void this.#pass(group, request, response, call, { report, reportAnswer }),
      onRefused: ({ method, target }, reason) =>
        report((note) => reports.refused(group, { method, path: shownPath(target) }, reason + note)),
    })
  }

  /** Never throws. The request is not read before its credential is there. */
  async #pass(
    group: GroupName,
    request: IncomingMessage,
    response: ServerResponse,
    call: ModelCall,
    { report, reportAnswer }: { report: Report; reportAnswer: Report },
  ): Promise<void> {
    const { credentials, reports } = this.#options
    const onFailed = (reason: string) =>
      report((note) => reports.upstreamFailed(group, call.api, reason + note))
    let credential: ModelCredential | null
    try {
      credential = await credentials.forModel(group, call.api)
    } catch (error) {
      // Why is for the owner: it may name files of the host.
      answerError(response, 503, 'the credential of the model service cannot be used now; the owner was told')
      onFailed(`no credential: ${errorText(error)}`)
      return
    }
    const isLogin = call.api === 'openai' && credential?.kind === 'login'
    const shown = isLogin ? callWithLogin(call) : call
    if ('refused' in shown) {
      answerError(response, 403, shown.refused)
      const asked = { method: request.method ?? '', path: shownPath(call.path) }
      report((note) => reports.refused(group, asked, shown.refused + note))
      return
    }
    forward({
      request,
      response,
      call: shown,
      credential,
      service: this.#services[isLogin ? 'chatgpt' : call.api],
      onFailed,
      onAnswer: (answer) => reportAnswer(() => reports.answered(group, call.api, answer)),
      onKeyRefused: () => credential && credentials.refused(group, call.api, credential),
    })
  }
}

/** Enough of what was asked for to know what it was; a query may hold what must not be logged. */
function shownPath(target: string): string {
  return (target.split('?')[0] ?? '').slice(0, SHOWN_PATH)
}
