import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { callHost, postLine } from '../../src/adapters/control/client.ts'
import { CreelError } from '../../src/domain/errors.ts'
import type { Hop, SetupWorld } from './world.ts'

const LIMIT_MS = 300_000
const LOOK_MS = 100
const SENTENCE = 'This is a test of your connection. Reply with the one word: ready'

const Turn = z.object({
  id: z.number(),
  group: z.string(),
  chat: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  receivedAt: z.number(),
  acceptedAt: z.number().nullable(),
  settledAt: z.number().nullable(),
})
type Turn = z.infer<typeof Turn>
const Shown = Turn.extend({
  deliveries: z.array(
    z.object({ state: z.string(), reason: z.string().nullable(), sentAt: z.number().nullable() }),
  ),
})
type Shown = z.infer<typeof Shown>

export interface Trip {
  readonly group: string
  /** Label of the chat that the message comes from, such as `terminal:main`. */
  readonly chat: string
  /** Messages received before this are another's. */
  readonly since: number
}

/** Says one sentence in the terminal chat of an agent, for `awaitTrip`. */
export async function sendSentence(world: SetupWorld, group: string): Promise<Trip> {
  const { paths, env } = world.install()
  const since = systemClock.now()
  await postLine(paths.controlSocket, group, {
    text: SENTENCE,
    id: randomUUID(),
    user: `terminal:${env.user}`,
  })
  return { group, chat: `terminal:${group}`, since }
}

/**
 * Waits until a message of this chat is answered and its answer is delivered. Throws CreelError that says at which hop it
 * ended, and what to do.
 */
export async function awaitTrip(
  world: SetupWorld,
  trip: Trip,
  note: (text: string) => void,
): Promise<readonly Hop[]> {
  const signal = AbortSignal.any([world.context.signal, AbortSignal.timeout(LIMIT_MS)])
  let seen = 'no message came'
  while (!signal.aborted) {
    const turn = await findTurn(world, trip)
    if (turn !== null) {
      seen = `the message is ${turn.state}`
      const shown = await show(world, turn)
      refuse(turn, shown)
      const isSent = shown.deliveries.length > 0 && shown.deliveries.every(({ sentAt }) => sentAt !== null)
      if (turn.state === 'done' && (isSent || shown.deliveries.length === 0)) return hopsOf(world, shown)
      note(turn.state === 'done' ? 'being delivered' : turn.state)
    } else note('waiting for the message')
    await systemClock.sleep(LOOK_MS, signal).catch(ignoreAbort)
  }
  if (world.context.signal.aborted) throw world.context.signal.reason
  throw new CreelError('timeout', `no answer within ${LIMIT_MS / 60_000} minutes: ${seen}`, {
    hint: './creel status and ./creel logs show where it waits',
  })
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error)) throw error
}

async function findTurn(world: SetupWorld, { group, chat, since }: Trip): Promise<Turn | null> {
  const args = { group, limit: 20 }
  const turns = z.array(Turn).parse(await callHost(world.install().paths.controlSocket, 'turn-list', args))
  return turns.findLast((turn) => turn.chat === chat && turn.receivedAt >= since) ?? null
}

async function show(world: SetupWorld, { id, group }: Turn): Promise<Shown> {
  return Shown.parse(await callHost(world.install().paths.controlSocket, 'turn-show', { id, group }))
}

function refuse(turn: Turn, { deliveries }: Shown): void {
  if (turn.state === 'failed' || turn.state === 'cancelled')
    throw new CreelError('unavailable', `the agent could not answer: ${turn.reason ?? turn.state}`, {
      hint: `./creel logs ${turn.group} shows why; ./creel doctor looks at the key of its model`,
    })
  const failed = deliveries.find(({ state }) => state === 'failed')
  if (failed !== undefined)
    throw new CreelError(
      'unavailable',
      `the answer could not be delivered: ${failed.reason ?? 'no reason given'}`,
      {
        hint: './creel deliveries list shows it; ./creel status how the channel is',
      },
    )
}

const Line = z.looseObject({ event: z.string(), time: z.number() })
type Line = z.infer<typeof Line>

/** Times of the tables, and of the host's log what no table holds. */
function hopsOf(world: SetupWorld, turn: Shown): readonly Hop[] {
  const lines = logLines(world.install().paths.logFile).filter(({ time }) => time >= turn.receivedAt - 1_000)
  const ofMessage = (event: string) =>
    lines.find((line) => line.event === event && line.inbound === turn.id)?.time
  const started = lines.find((line) => line.event === 'sandbox.started' && line.group === turn.group)?.time
  const woken = lines.find((line) => line.event === 'sandbox.unpaused' && line.group === turn.group)?.time
  const asked = lines.findLast((line) => line.event === 'gateway.answered' && line.group === turn.group)
  const sent = Math.max(...turn.deliveries.map(({ sentAt }) => sentAt ?? 0))
  const hops: (readonly [string, number | null | undefined, string])[] = [
    ['received', turn.receivedAt, `from ${turn.chat}`],
    ['routed', ofMessage('inbound.routed'), `to the agent ${turn.group}`],
    ['in its mailbox', ofMessage('inbox.placed'), 'read by the sandbox alone'],
    [
      'sandbox ready',
      started ?? woken ?? turn.acceptedAt,
      started ? 'started' : woken ? 'woken' : 'was awake',
    ],
    ['turn begun', turn.acceptedAt, 'by the runner'],
    ['model answers', asked?.time, 'through the gateway'],
    ['turn ended', turn.settledAt, 'its answer is in the outbox'],
    ['delivered', sent > 0 ? sent : null, `to ${turn.chat}`],
  ]
  return hops
    .flatMap(([hop, at, what]) =>
      typeof at === 'number' ? [{ hop, ms: Math.max(0, at - turn.receivedAt), what }] : [],
    )
    .sort((a, b) => a.ms - b.ms)
}

function logLines(file: string): readonly Line[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(-2_000)
    .flatMap((line) => {
      if (!line.endsWith('}')) return []
      const parsed = Line.safeParse(JSON.parse(line))
      return parsed.success ? [parsed.data] : []
    })
}
