import { checkSources, type OwnView } from './check-sources.ts'
import type { ContainerCheck } from './endpoints.ts'
import { type Inspected, inspect } from './engine-client.ts'
import { DeniedError, INSTALL_LABEL, type Policy } from './policy.ts'

export type GateAnswer =
  /** Make the call, for the container with this full id. */
  | { readonly type: 'pass'; readonly id: string }
  /** Answer this instead of asking the engine. */
  | { readonly type: 'answer'; readonly status: number; readonly body: unknown }

const KNOWN_MAX = 10_000

/**
 * Decides whether a container is the client's. A label cannot change and an id is never used twice, so an id
 * that passed is remembered; names and prefixes are asked for each time. Calls may run concurrently.
 */
export class ContainerGate {
  readonly #socket: string
  readonly #view: OwnView
  readonly #own = new Set<string>()

  constructor(options: { socket: string; view: OwnView }) {
    this.#socket = options.socket
    this.#view = options.view
  }

  /** Throws DeniedError for a container of somebody else. */
  async check(ref: string, check: ContainerCheck, policy: Policy): Promise<GateAnswer> {
    if (check === 'own' && this.#own.has(ref)) return { type: 'pass', id: ref }
    const found = await inspect(this.#socket, ref)
    if (found === null) return { type: 'answer', status: 404, body: { message: `No such container: ${ref}` } }
    if (found.Config.Labels?.[INSTALL_LABEL] !== policy.installId) return this.#notOwn(found, check, policy)
    this.#remember(found.Id)
    // A sandbox is created once and may be started later: its folders may have been replaced meanwhile.
    if (check === 'own-and-sources') await checkSources(mountSources(found), policy.roots, this.#view)
    return { type: 'pass', id: found.Id }
  }

  /** The client's own container has no label of ours; of it, only the mounts may be known, to translate paths. */
  #notOwn(found: Inspected, check: ContainerCheck, policy: Policy): GateAnswer {
    const mounts = found.Mounts ?? []
    const isSelf = check === 'own-or-self' && mounts.some((mount) => mount.Source === policy.roots.data)
    if (!isSelf) throw new DeniedError('that container is not one of this install')
    return { type: 'answer', status: 200, body: { Id: found.Id, Name: found.Name, Mounts: mounts } }
  }

  #remember(id: string): void {
    if (this.#own.size >= KNOWN_MAX) this.#own.clear()
    this.#own.add(id)
  }
}

function mountSources(found: Inspected): string[] {
  return (found.HostConfig.Mounts ?? []).map((mount) => mount.Source)
}
