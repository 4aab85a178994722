// The calls or the tasks of one group, worked off once by a process that dies where it is told to:
// `killed-stage.ts <host.db> <inbox.db> <time> <point or ''> <note file>`.
import { InboxWriter } from '@creel/protocol'
import { pino } from 'pino'
import { SqliteDirectoryStore } from '../../src/adapters/sqlite/directory-store.ts'
import { SqliteDispatchStore } from '../../src/adapters/sqlite/dispatch-store.ts'
import { SqliteHostCallStore } from '../../src/adapters/sqlite/host-call-store.ts'
import { openHostDb } from '../../src/adapters/sqlite/open.ts'
import { SqlitePeople } from '../../src/adapters/sqlite/person-store.ts'
import { SqliteRoleStore } from '../../src/adapters/sqlite/role-store.ts'
import { SqliteSessionChoices } from '../../src/adapters/sqlite/session-choice-store.ts'
import { SqliteTaskStore } from '../../src/adapters/sqlite/task-store.ts'
import { answerCalls } from '../../src/calls/calls.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { NewInboxEntry } from '../../src/domain/ports/mailbox.ts'
import { Events } from '../../src/events.ts'
import { fireTasks } from '../../src/tasks/fire-tasks.ts'
import { taskCalls } from '../../src/tasks/task-calls.ts'
import { Tripwire } from '../chaos/crash-points.ts'

const [, , hostDb = '', inboxDb = '', time = '0', point = '', noteFile = ''] = process.argv
const group = 'garden' as GroupName
const clock = { now: () => Number(time) as UnixMs, sleep: () => new Promise<void>(() => undefined) }
const db = openHostDb(hostDb)
const inbox = new InboxWriter(inboxDb)
const events = new Events(pino({ level: 'silent' }))
const stores = {
  tasks: new SqliteTaskStore(db),
  calls: new SqliteHostCallStore(db),
  directory: new SqliteDirectoryStore(db),
  dispatches: new SqliteDispatchStore(db),
  roles: new SqliteRoleStore(db),
  people: new SqlitePeople(db),
  choices: new SqliteSessionChoices(db),
}
const mailbox = {
  putAll: async (_: GroupName, items: readonly NewInboxEntry[]) => inbox.putAll(items, Number(time)),
}
const wire = new Tripwire(point === '' ? null : { point, hit: 1 }, noteFile)
wire.guard(stores.tasks, 'claim', 'tasks.claim')
wire.guard(stores.tasks, 'add', 'tasks.add')
wire.guard(stores.calls, 'answer', 'calls.answer')
wire.guard(stores.calls, 'told', 'calls.told')
wire.guard(mailbox, 'putAll', 'mailbox.put')

const nudge = () => undefined
fireTasks(group, { ...stores, notices: { toOwner: nudge }, events, clock, nudge })
const handlers = taskCalls({ ...stores, clock, zoneOf: () => 'UTC' })
await answerCalls(group, { ...stores, mailbox, handlers, events, clock, nudge }, new AbortController().signal)
