// Composition root, the part about what agents do at a time.
import type { CallHandlers } from './calls/call-handler.ts'
import { settingsOf } from './chat-commands/command.ts'
import type { Core } from './core.ts'
import type { GroupName, UserId } from './domain/ids.ts'
import type { PumpOptions } from './pump.ts'
import type { FirePorts } from './tasks/fire-tasks.ts'
import { taskCalls } from './tasks/task-calls.ts'
import { Tasks } from './tasks/tasks.ts'

/** To be started and stopped. */
export function taskParts(
  core: Core,
  ports: Pick<FirePorts, 'notices' | 'events' | 'nudge'>,
  pump: Pick<PumpOptions<GroupName>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
): Tasks {
  const { tasks, directory, roles, choices } = core
  return new Tasks({ ...ports, tasks, directory, roles, choices }, pump)
}

/** What the tools about tasks ask for. */
export function taskHandlers(core: Core): CallHandlers {
  const { tasks, directory, roles, people, clock } = core
  const zone = (user: UserId, group: GroupName) => zoneOf(user, group, core)
  return taskCalls({ tasks, directory, roles, people, clock, zoneOf: zone })
}

/** On whose clock a person means times that they say to an agent. */
function zoneOf(user: UserId, group: GroupName, { people, groups, install }: Core): string {
  return people.zone(user) ?? settingsOf(group, groups)?.timezone ?? install.env.timezone
}
