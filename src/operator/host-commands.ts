import { z } from 'zod'
import type { UnixMs } from '../domain/ids.ts'
import { describe, existingGroup } from './group-commands.ts'
import type { OperatorCommand } from './ports.ts'
import { overdueTasks } from './task-commands.ts'

const DAY_MS = 86_400_000
const MAX_SUMS = 100_000

export const status: OperatorCommand = {
  run(ports) {
    const overview = ports.overview.read()
    const since = (ports.clock.now() - DAY_MS) as UnixMs
    const denied = ports.egressLog.totals({ outcome: 'denied', since }, MAX_SUMS)
    const { openByGroup, failedByGroup, asideByGroup, rejectedByGroup, ...counts } = overview
    return {
      running: ports.live.running(),
      web: ports.live.webUrl(),
      engineProblem: ports.live.engineProblem(),
      loopDelay: ports.live.loopDelay(),
      channels: ports.live.channels(),
      groups: ports.groups.names().map((group) => ({
        ...describe(ports, group, openByGroup),
        failed: failedByGroup.get(group) ?? 0,
        setAside: asideByGroup.get(group) ?? 0,
        rejectedEntries: rejectedByGroup.get(group) ?? 0,
        deniedRequests: denied.filter((sum) => sum.group === group).reduce((all, sum) => all + sum.count, 0),
      })),
      ...counts,
      overdueTasks: overdueTasks(ports).length,
    }
  },
}

/** A fresh one-time login link for the web chat. */
export const link: OperatorCommand = {
  run(ports) {
    const token = ports.logins.createLink(ports.clock.now())
    return { url: `${ports.live.webUrl()}/login?token=${token}` }
  },
}

export const down: OperatorCommand = {
  run(ports) {
    const running = ports.live.running()
    ports.live.shutDown()
    return { stopping: running }
  },
}

const LogArgs = z.object({ group: z.string(), lines: z.number().int().min(1).max(2_000).default(200) })

export const sandboxLogs: OperatorCommand = {
  async run(ports, args) {
    const { group, lines } = LogArgs.parse(args)
    return { text: await ports.live.sandboxLogs(existingGroup(ports, group), lines) }
  },
}

const GroupArgs = z.object({ group: z.string() })

export const terminalPending: OperatorCommand = {
  run(ports, args) {
    return { pending: ports.live.terminalPending(existingGroup(ports, GroupArgs.parse(args).group)) }
  },
}

export const integrity: OperatorCommand = {
  run(ports) {
    return { database: ports.overview.integrity() }
  },
}
