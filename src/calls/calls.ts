import type { OutboxCall } from '@creel/protocol'
import { errorText } from '../domain/errors.ts'
import type { CallAnswer, CallOrigin, HostCallRow, NewHostCall } from '../domain/host-call.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { HostCallStore } from '../domain/ports/host-calls.ts'
import type { Mailbox, NewInboxEntry } from '../domain/ports/mailbox.ts'
import type { DirectoryStore, DispatchStore } from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import { mayReply } from '../mail/authorise.ts'
import { Pump, type PumpOptions, type StepResult } from '../pump.ts'
import { type CallHandlers, refused } from './call-handler.ts'

/** Calls of one group within a minute that are carried out; beyond them each is refused. */
export const MAX_PER_MINUTE = 120
/** Beyond these they are not even answered. */
export const MAX_ANSWERED = 2 * MAX_PER_MINUTE
const MINUTE_MS = 60_000
const BATCH = 20
/** What a handler may take: the tool waits for 20 s. */
const HANDLER_MS = 15_000

export interface CallsPorts {
  readonly calls: HostCallStore
  readonly dispatches: Pick<DispatchStore, 'sessionOf' | 'inboundOf'>
  readonly directory: Pick<DirectoryStore, 'bindings'>
  readonly mailbox: Pick<Mailbox, 'putAll'>
  readonly handlers: CallHandlers
  readonly events: Pick<Events, 'callAnswered' | 'callBroken'>
  /** An answer stands in the inbox: rings the runner. */
  readonly nudge: (group: GroupName) => void
}

type PumpParts = Pick<PumpOptions<GroupName>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>

export type AnswerPorts = CallsPorts & Pick<PumpParts, 'clock'>

/** What tools ask of the host: carried out once, after the commit of the batch that it came in, and answered. */
export class Calls {
  readonly #ports: AnswerPorts
  readonly #pump: Pump<GroupName>

  constructor(ports: CallsPorts, pump: PumpParts) {
    this.#ports = { ...ports, clock: pump.clock }
    this.#pump = new Pump<GroupName>({
      ...{ ...pump, name: 'calls', maxConcurrent: 16 },
      keys: () => ports.calls.groupsWithWork(),
      step: (group, signal) => answerCalls(group, this.#ports, signal),
    })
  }

  /** What a call in an outbox amounts to; to be recorded with the cursor. `taken`: how many calls of the same batch are. */
  plan(group: GroupName, entry: OutboxCall, taken: number): NewHostCall | { readonly rejected: string } {
    const { calls, clock } = this.#ports
    const { inboxSeq, id, name, args } = entry
    // What ran in the name of somebody is over: nothing more is done in it.
    if (!calls.isOpen(group, inboxSeq))
      return { rejected: 'a call for a message that is not being worked on' }
    const at = clock.now()
    const recent = calls.countSince(group, (at - MINUTE_MS) as UnixMs, at) + taken
    if (recent >= MAX_ANSWERED) return { rejected: `more than ${MAX_ANSWERED} calls in a minute` }
    const call = { group, inboxSeq, callId: id, name, args, at }
    if (recent < MAX_PER_MINUTE) return call
    return {
      ...call,
      refused: `Not done: more than ${MAX_PER_MINUTE} calls within a minute. Wait a minute, and ask for more at once.`,
    }
  }

  /** A call of this group was recorded. */
  nudge(group: GroupName): void {
    this.#pump.nudge(group)
  }

  start(): void {
    this.#pump.start()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(1_000)
  }
}

/** Step of the calls pump. Killed anywhere, it goes on with what is not answered, or not told. */
export async function answerCalls(
  group: GroupName,
  ports: AnswerPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const { calls, mailbox, events, clock } = ports
  const rows = calls.withWork(group, BATCH)
  if (rows.length === 0) return 'idle'
  const items: NewInboxEntry[] = []
  for (const row of rows) {
    const { id, inboxSeq, callId, name } = row
    const answer = row.answer ?? (await carriedOut(row, ports, signal))
    if (row.answer === null) calls.answer(id, answer)
    events.callAnswered(group, name, answer.ok)
    const entry = { type: 'result', inboxSeq, callId, ...answer } as const
    items.push({ key: `result:${inboxSeq}:${callId}`, entry })
  }
  await mailbox.putAll(group, items, clock.now())
  calls.told(rows.map(({ id }) => id))
  ports.nudge(group)
  return rows.length === BATCH ? 'again' : 'idle'
}

async function carriedOut(row: HostCallRow, ports: AnswerPorts, signal: AbortSignal): Promise<CallAnswer> {
  const { group, name, args } = row
  const handler = ports.handlers.get(name)
  if (!handler)
    return refused(`The host knows no "${name}". It knows: ${[...ports.handlers.keys()].join(', ')}.`)
  const origin = originOf(row, ports)
  if (origin === null) return refused('Not done: this chat is not bound to you any more.')
  const json = readJson(args)
  if (json === undefined) return refused('Not done: the arguments are no JSON.')
  const timer = new AbortController()
  const late = ports.clock
    .sleep(HANDLER_MS, AbortSignal.any([signal, timer.signal]))
    .then(() => refused(`${name} takes too long; it may still be done. Look before you do it again.`))
  try {
    return await Promise.race([handler(json.value, origin), late])
  } catch (error) {
    // Stopped: the next host goes on with it.
    if (signal.aborted) throw error
    ports.events.callBroken(group, name, errorText(error))
    return refused(
      `${name} failed inside Creel, which is not your fault; nothing more is known. Go on without it.`,
    )
  } finally {
    timer.abort()
    void late.catch(() => undefined)
  }
}

/** Null when the chat is not the agent's any more. */
function originOf(row: HostCallRow, { calls, dispatches, directory }: CallsPorts): CallOrigin | null {
  const { group, inboxSeq, callId, at } = row
  const inbound = dispatches.inboundOf(group, inboxSeq)
  const session = dispatches.sessionOf(group, inboxSeq)
  if (!inbound || session === null) return null
  const { chatId, chatKind, address, senderId, senderName } = inbound
  if (!mayReply(group, inbound, directory.bindings(chatId)).allowed) return null
  return {
    ...{ group, session, inboxSeq, chatId, chatKind, at, inboundId: inbound.id },
    thread: address.thread,
    speaker: senderId,
    speakerName: senderName,
    speakers: [...new Set([senderId, ...calls.speakers(group, session, at)])],
    key: `${group}:${inboxSeq}:${callId}`,
  }
}

function readJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
