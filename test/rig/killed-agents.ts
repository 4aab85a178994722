// What the lead agent asked for by its tools, and what was answered to it, worked off by a process that dies where it is
// told to: `killed-agents.ts <host.db> <folder of inboxes> <time> <point or ''> <note file>`.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type InboxEntry, InboxWriter } from '@creel/protocol'
import { pino } from 'pino'
import { SqliteAgentRequests } from '../../src/adapters/sqlite/agent-request-store.ts'
import { SqliteDirectoryStore } from '../../src/adapters/sqlite/directory-store.ts'
import { SqliteDispatchStore } from '../../src/adapters/sqlite/dispatch-store.ts'
import { SqliteHostCallStore } from '../../src/adapters/sqlite/host-call-store.ts'
import { SqliteInboundStore } from '../../src/adapters/sqlite/inbound-store.ts'
import { openHostDb } from '../../src/adapters/sqlite/open.ts'
import { SqlitePeople } from '../../src/adapters/sqlite/person-store.ts'
import { SqliteRoleStore } from '../../src/adapters/sqlite/role-store.ts'
import { agentCalls } from '../../src/agents/agent-calls.ts'
import { Agents } from '../../src/agents/agents.ts'
import { answerCalls } from '../../src/calls/calls.ts'
import { GroupConfig } from '../../src/config/schema.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { NewInboxEntry } from '../../src/domain/ports/mailbox.ts'
import { Events } from '../../src/events.ts'
import { Tripwire } from '../chaos/crash-points.ts'

const [, , hostDb = '', inboxes = '', time = '0', point = '', noteFile = ''] = process.argv
const LEAD = 'lead' as GroupName
const at = Number(time) as UnixMs
// What waits in vain keeps no process alive.
const clock = {
  now: () => at,
  sleep: async (ms: number) => void (await sleep(ms, undefined, { ref: false })),
}
const db = openHostDb(hostDb)
const log = pino({ level: 'silent' })
const events = new Events(log)
const inbox = (group: GroupName) => new InboxWriter(join(inboxes, `${group}.db`))
const mailbox = {
  put: (group: GroupName, key: string, entry: InboxEntry) =>
    inbox(group).putAll([{ key, entry }], at)[0] ?? 0,
  putAll: async (group: GroupName, items: readonly NewInboxEntry[]) => inbox(group).putAll(items, at),
}
const requests = new SqliteAgentRequests(db)
const stores = {
  calls: new SqliteHostCallStore(db),
  directory: new SqliteDirectoryStore(db),
  dispatches: new SqliteDispatchStore(db),
  roles: new SqliteRoleStore(db),
}
const wire = new Tripwire(point === '' ? null : { point, hit: 1 }, noteFile)
for (const step of ['add', 'tell', 'cancel', 'stopped']) wire.guard(requests, step, `agents.${step}`)
for (const step of ['put', 'putAll']) wire.guard(mailbox, step, 'mailbox.put')
for (const step of ['answer', 'told']) wire.guard(stores.calls, step, `calls.${step}`)

const nudge = () => undefined
const agents = new Agents(
  {
    ...{ requests, mailbox, events, nudge, inbound: new SqliteInboundStore(db), notices: { toOwner: nudge } },
    ...{ directory: stores.directory, roles: stores.roles, people: new SqlitePeople(db) },
    bounds: { requests: 20, hops: 4, perHour: 120 },
    groups: {
      exists: () => true,
      load: () => GroupConfig.parse({ agents: { scout: { hear: 'anyone' }, lead: { hear: 'anyone' } } }),
    },
  },
  { clock, log, random: () => 0.5, pollMs: 5, backoff: { baseMs: 1, maxMs: 2 } },
)
const handlers = new Map(agentCalls(agents))
await answerCalls(LEAD, { ...stores, mailbox, handlers, events, clock, nudge }, new AbortController().signal)
agents.start()
while (requests.withWork((at - 3_600_000) as UnixMs).length + requests.stopping().length > 0) await sleep(1)
await agents.stop()
