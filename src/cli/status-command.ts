import type { Command } from 'commander'
import { type CliContext, installOf } from './context.ts'
import { groupTable } from './group-commands.ts'
import { oneLine, print } from './output.ts'
import { runCommand } from './session.ts'

interface Status {
  readonly running: boolean
  readonly web: string
  readonly engineProblem: string | null
  readonly loopDelay: { readonly p99Ms: number; readonly maxMs: number; readonly heldUp: number } | null
  readonly channels: readonly { name: string; account: string; problem: string | null }[]
  readonly groups: readonly {
    group: string
    provider: string | null
    state: string
    problem: string | null
    waiting: number
    failed: number
    setAside: number
    rejectedEntries: number
    /** Within 24 hours. */
    deniedRequests: number
  }[]
  readonly waitingToBeRouted: number
  readonly held: number
  readonly unsent: number
  readonly openApprovals: number
  readonly overdueTasks: number
  readonly failedSends: number
  readonly ambiguousSends: number
  readonly lastFailures: readonly { id: number; chat: string; reason: string | null }[]
}

export function addStatusCommand(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('what runs, what waits, what went wrong')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Exit code 0 when the host runs, 3 when it does not; then what is in the database is shown.

  creel status --json | jq .groups     for scripts`,
    )
    .action(async (options: { json?: boolean }) => {
      const status = (await runCommand(installOf(context), 'status')) as Status
      print(context.output, options.json, status, () => statusText(status))
      if (!status.running) process.exitCode = 3
    })
}

function statusText(status: Status): string {
  const lines = [status.running ? `running; web chat at ${status.web}` : 'not running: creel up']
  if (status.engineProblem) lines.push(`container engine: ${status.engineProblem}`)
  for (const { name, account, problem } of status.channels) {
    if (problem !== null) lines.push(`channel ${name}/${account} stopped: ${problem}`)
  }
  lines.push(
    '',
    status.groups.length === 0 ? 'no agents yet: creel group add main' : groupTable(status.groups),
    '',
  )
  lines.push(
    `messages: ${status.waitingToBeRouted} to be routed, ${status.held} held (creel waiting), ` +
      `${status.unsent} on their way out, ${status.failedSends} could not be sent, ` +
      `${status.ambiguousSends} may have been sent twice`,
  )
  if (status.openApprovals > 0)
    lines.push(`approvals: ${status.openApprovals} wait for a person (creel approvals list)`)
  if (status.overdueTasks > 0)
    lines.push(`tasks: ${status.overdueTasks} should have begun (creel tasks list)`)
  if (status.loopDelay) {
    const { p99Ms, maxMs, heldUp } = status.loopDelay
    const often = heldUp === 0 ? '' : ` (creel logs: loop.held_up, ${heldUp} times)`
    lines.push(`event loop: p99 ${p99Ms} ms now, longest ${maxMs} ms${often}`)
  }
  for (const failure of status.lastFailures)
    lines.push(`  ${oneLine(`not sent to ${failure.chat}: ${failure.reason ?? ''}`)}`)
  for (const group of status.groups) {
    if (group.failed > 0) lines.push(`  ${group.group}: ${group.failed} message(s) given up`)
    if (group.setAside > 0)
      lines.push(
        `  ${group.group}: ${group.setAside} message(s) too many or too old (creel turns list --state cancelled)`,
      )
    if (group.rejectedEntries > 0)
      lines.push(`  ${group.group}: ${group.rejectedEntries} outbox entries refused`)
    if (group.deniedRequests > 0)
      lines.push(
        `  ${group.group}: ${group.deniedRequests} request(s) to the network turned away within 24 hours ` +
          '(creel egress log --denied)',
      )
  }
  return lines.join('\n')
}
