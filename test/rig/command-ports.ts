import { SqliteAgentRequests } from '../../src/adapters/sqlite/agent-request-store.ts'
import { SqliteEgressLog } from '../../src/adapters/sqlite/egress-log-store.ts'
import { SqliteEgressRules } from '../../src/adapters/sqlite/egress-rule-store.ts'
import type { ChatCommandPorts } from '../../src/chat-commands/command.ts'
import { GroupConfig } from '../../src/config/schema.ts'
import type { HostTables } from './host-tables.ts'

/** What the commands of a chat work on, over real tables: groups on the demo provider whose sandboxes sleep. */
export function commandPorts(tables: HostTables, change: Partial<ChatCommandPorts> = {}): ChatCommandPorts {
  const { choices, dispatches, usage, clock, tasks, people } = tables
  return {
    ...{ choices, dispatches, usage, clock, tasks, people },
    groups: { load: () => GroupConfig.parse({}) },
    egressRules: new SqliteEgressRules(tables.db),
    egressLog: new SqliteEgressLog(tables.db),
    requests: new SqliteAgentRequests(tables.db),
    timezone: 'UTC',
    sandbox: () => ({ state: 'asleep', problem: null }),
    doing: () => null,
    stopTurns: () => 0,
    ...change,
  }
}
