// A chat's oldest voice message, transcribed once by a process that dies where it is told to:
// `killed-voice.ts <host.db> <chat> <recording> <time> <point or ''> <note file>`.
import { pino } from 'pino'
import { openHostDb } from '../../src/adapters/sqlite/open.ts'
import { SqliteTranscriptStore } from '../../src/adapters/sqlite/transcript-store.ts'
import type { ChatId, UnixMs } from '../../src/domain/ids.ts'
import { Events } from '../../src/events.ts'
import { transcribeNext } from '../../src/voice/transcribe-next.ts'
import { Tripwire } from '../chaos/crash-points.ts'
import { FakeTranscriber } from '../fakes/fake-transcriber.ts'

const [, , hostDb = '', chat = '0', recording = '', time = '0', point = '', noteFile = ''] = process.argv
const transcripts = new SqliteTranscriptStore(openHostDb(hostDb))
const transcriber = new FakeTranscriber()
const wire = new Tripwire(point === '' ? null : { point, hit: 1 }, noteFile)
wire.guard(transcripts, 'begun', 'voice.begun')
wire.guard(transcriber, 'transcribe', 'voice.transcribe')
wire.guard(transcripts, 'ready', 'voice.ready')

const nothing = () => undefined
await transcribeNext(
  Number(chat) as ChatId,
  {
    ...{ transcripts, transcriber, random: () => 0.5, nudge: nothing },
    inbound: { find: () => null },
    files: { path: () => recording },
    notices: { toChat: nothing, toOwner: nothing },
    events: new Events(pino({ level: 'silent' })),
    clock: { now: () => Number(time) as UnixMs, sleep: () => new Promise<void>(() => undefined) },
    limits: { timeoutMs: 60_000, maxBytes: 1_000, maxSeconds: 600, queue: 3 },
  },
  new AbortController().signal,
)
