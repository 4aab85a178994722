import { FakeClock } from '../../../test/fakes/fake-clock.ts'
import { JsonRpcConnection, RpcError } from '../src/json-rpc/connection.ts'
import type { RunningProcess } from '../src/providers/codex/launch.ts'
import { type LinkedTransport, linkedPair } from './linked-pair.ts'

const INVALID_REQUEST = -32600

interface Params {
  readonly threadId?: string
  readonly turnId?: string
  readonly expectedTurnId?: string
  readonly model?: string
  readonly input?: readonly { readonly text: string }[]
}

/** One turn as the fake sees it; a test moves it on. */
export class FakeTurn {
  readonly id: string
  readonly threadId: string
  readonly inputs: string[]
  readonly params: unknown
  readonly #process: FakeProcess

  constructor(process: FakeProcess, threadId: string, id: string, params: Params) {
    this.#process = process
    this.threadId = threadId
    this.id = id
    this.params = params
    this.inputs = (params.input ?? []).map(({ text }) => text)
  }

  report(method: string, params: object): void {
    this.#process.peer.notify(method, { threadId: this.threadId, turnId: this.id, ...params })
  }

  /** Asks the client, as app-server does for an approval. */
  ask(method: string, params: object = {}): Promise<unknown> {
    return this.#process.peer.request(method, { threadId: this.threadId, turnId: this.id, ...params }, 60_000)
  }

  reply(text: string): void {
    const item = { type: 'agentMessage', id: `item-${this.id}`, text, phase: null }
    this.report('item/agentMessage/delta', { itemId: item.id, delta: text })
    this.report('item/completed', { item })
    this.end('completed')
  }

  end(status: 'completed' | 'interrupted' | 'failed', error: object | null = null): void {
    this.#process.over(this)
    this.report('turn/completed', { turn: { id: this.id, status, error, items: [] } })
  }
}

/** One run of the fake app-server. Strict: a method that it does not know, or one before the handshake, is refused. */
export class FakeProcess implements RunningProcess {
  readonly transport: LinkedTransport
  readonly ended: Promise<string>
  readonly peer: JsonRpcConnection
  readonly calls: string[] = []
  killed = false
  readonly #server: FakeAppServer
  readonly #turns = new Map<string, FakeTurn>()
  readonly #loaded = new Set<string>()
  readonly #theirs: LinkedTransport
  #resolveEnded: (how: string) => void = () => undefined
  #initialized = false

  constructor(server: FakeAppServer) {
    this.#server = server
    const [ours, theirs] = linkedPair()
    this.transport = ours
    this.#theirs = theirs
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    this.peer = new JsonRpcConnection(
      theirs,
      {
        notification: (method) => void this.calls.push(method),
        request: (method, params) => this.#answer(method, params as Params),
        noise: (kind) => {
          throw new Error(`FakeProcess: noise from the client: ${kind}`)
        },
      },
      new FakeClock(),
    )
  }

  /** Ends as a process does that died. */
  die(how: string): void {
    this.#theirs.end(how)
    this.#resolveEnded(how)
  }

  /** Reads nothing any more, and lives. */
  hang(): void {
    this.transport.other = undefined
  }

  kill(): void {
    this.killed = true
    this.die('signal SIGKILL')
  }

  async stop(): Promise<void> {
    this.die('exit code 0')
  }

  /** Puts a thread away, as for lack of use. */
  unload(threadId: string): void {
    this.#loaded.delete(threadId)
  }

  over(turn: FakeTurn): void {
    this.#turns.delete(turn.threadId)
  }

  #answer(method: string, params: Params): unknown {
    this.calls.push(method)
    if (method === 'initialize') {
      if (this.#initialized) throw new RpcError(INVALID_REQUEST, 'Already initialized')
      this.#initialized = true
      return { userAgent: 'fake' }
    }
    if (!this.#initialized) throw new RpcError(INVALID_REQUEST, 'Not initialized')
    const { threadId = '' } = params
    switch (method) {
      case 'skills/list':
        return { data: [] }
      case 'thread/start':
        return this.#load(this.#server.newThread(), params)
      case 'thread/resume':
        if (!this.#server.threads.has(threadId)) {
          throw new RpcError(INVALID_REQUEST, `no rollout found for thread id ${threadId}`)
        }
        return this.#load(threadId, params)
      case 'turn/start':
        return { turn: { id: this.#begin(threadId, params).id, status: 'inProgress', items: [] } }
      case 'turn/steer': {
        const turn = this.#turns.get(threadId)
        if (!turn) throw new RpcError(INVALID_REQUEST, 'no active turn to steer')
        if (turn.id !== params.expectedTurnId) throw new RpcError(INVALID_REQUEST, 'expected active turn id')
        turn.inputs.push(...(params.input ?? []).map(({ text }) => text))
        return { turnId: turn.id }
      }
      case 'turn/interrupt': {
        const turn = this.#turns.get(threadId)
        if (!turn || turn.id !== params.turnId)
          throw new RpcError(INVALID_REQUEST, 'no active turn to interrupt')
        if (this.#server.obeys) turn.end('interrupted')
        return {}
      }
      case 'thread/backgroundTerminals/clean':
        return {}
      default:
        throw new RpcError(INVALID_REQUEST, `Invalid request: unknown variant ${method}`)
    }
  }

  #load(id: string, { model = 'fake-model' }: Params): object {
    this.#loaded.add(id)
    return { thread: { id, turns: [] }, model }
  }

  #begin(threadId: string, params: Params): FakeTurn {
    if (!this.#loaded.has(threadId)) throw new RpcError(INVALID_REQUEST, `thread not found: ${threadId}`)
    const active = this.#turns.get(threadId)
    if (active) throw new Error(`FakeProcess: a second turn on ${threadId} while one runs`)
    const turn = new FakeTurn(this, threadId, this.#server.newTurn(), params)
    this.#turns.set(threadId, turn)
    this.#server.onTurn(turn, this)
    return turn
  }
}

/**
 * A fake of the program: its threads outlive its processes, as on disk. `onTurn` plays the model; it is called before
 * the client hears that its turn has begun.
 */
export class FakeAppServer {
  readonly processes: FakeProcess[] = []
  readonly threads = new Set<string>()
  /** How processes end that are started now, before they answer anything. */
  stillborn: string | undefined
  /** Whether a turn ends when it is told to. */
  obeys = true
  onTurn: (turn: FakeTurn, process: FakeProcess) => void
  #turns = 0

  constructor(onTurn: (turn: FakeTurn, process: FakeProcess) => void) {
    this.onTurn = onTurn
  }

  readonly launch = (): FakeProcess => {
    const process = new FakeProcess(this)
    this.processes.push(process)
    if (this.stillborn !== undefined) process.die(this.stillborn)
    return process
  }

  newThread(): string {
    const id = `thread-${this.threads.size + 1}`
    this.threads.add(id)
    return id
  }

  newTurn(): string {
    this.#turns += 1
    return `turn-${this.#turns}`
  }
}
