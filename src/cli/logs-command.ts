import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { terminalText } from '../adapters/channels/terminal/terminal-text.ts'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { CreelError } from '../domain/errors.ts'
import { groupName } from '../operator/group-commands.ts'
import { type CliContext, installOf } from './context.ts'
import { LogTail, lastLines } from './log-tail.ts'
import { runCommand } from './session.ts'

const FOLLOW_MS = 300

export function addLogsCommand(program: Command, context: CliContext): void {
  program
    .command('logs [group]')
    .description('the log of the host; with a group, its lines and the output of its sandbox')
    .option('-f, --follow', 'go on as lines are written')
    .option('-n, --lines <count>', 'how many lines to begin with', '100')
    .addHelpText(
      'after',
      `
Lines are JSON, one event each; no line holds the text of a message. Logs of 20 MB are put aside; the last four of
them are kept, and looked through as well.

  creel logs -f                    everything, as it happens
  creel logs home -n 20            what happened to the agent home, and what its sandbox printed`,
    )
    .action(async (group: string | undefined, options: { follow?: boolean; lines: string }) => {
      const count = Number(options.lines)
      if (!Number.isInteger(count) || count < 0) {
        throw new CreelError('invalid', `--lines: expected a number, got ${options.lines}`)
      }
      const install = installOf(context)
      const wanted = group === undefined ? null : groupName(group)
      const { logFile } = install.paths
      if (!existsSync(logFile)) {
        throw new CreelError('not_found', 'there is no log yet', { hint: './creel up' })
      }
      const fits = (line: string) => wanted === null || line.includes(`"group":"${wanted}"`)
      const show = (lines: readonly string[]) => {
        for (const line of lines) if (fits(line)) context.output.out(terminalText(line))
      }
      const tail = new LogTail(logFile)
      try {
        show(lastLines(logFile, count, fits))
        if (wanted !== null) await showSandbox(context, wanted, count)
        while (options.follow && !context.signal.aborted) {
          await systemClock.sleep(FOLLOW_MS, context.signal).catch(() => undefined)
          show(tail.read())
        }
      } finally {
        tail[Symbol.dispose]()
      }
    })
}

async function showSandbox(context: CliContext, group: string, lines: number): Promise<void> {
  const args = { group, lines: Math.max(1, Math.min(lines, 2_000)) }
  try {
    const { text } = (await runCommand(installOf(context), 'sandbox-logs', args)) as { text: string }
    context.output.out(
      text === '' ? `(${group} has no sandbox now)` : `--- sandbox of ${group}\n${terminalText(text)}`,
    )
  } catch (error) {
    if (!(error instanceof CreelError) || error.code !== 'unavailable') throw error
    context.output.err(`(the sandbox's own output is not to be had: ${error.message})`)
  }
}
