import type { Command } from 'commander'
import { z } from 'zod'
import { type CliContext, installOf } from './context.ts'
import { hostRuns } from './detached-host.ts'
import { print } from './output.ts'
import { runCommand } from './session.ts'

const Made = z.object({ code: z.string(), expiresAt: z.number() })

export function addPairCommand(user: Command, context: CliContext): void {
  user
    .command('pair')
    .description('show a code that makes who sends it to your bot an owner')
    .option('--account <name>', 'which bot, when there are several', 'main')
    .option('--group <name>', 'the agent that is to answer them; else the default one')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Good once, for ten minutes, in a private chat with the bot. After twenty wrong codes of strangers it is void; one that
is written into a group is void at once.

  creel users pair --group home`,
    )
    .action(async ({ json, ...args }: { account: string; group?: string; json?: boolean }) => {
      const install = installOf(context)
      const result = await runCommand(install, 'pair-start', { channel: 'telegram', ...args })
      const { code } = Made.parse(result)
      const isUp = await hostRuns(install)
      print(context.output, json, result, () =>
        [
          `${code}   send this to the bot, in a private chat, within ten minutes; give it to nobody`,
          ...(isUp ? [] : ['Creel is not running, and hears nothing until it is: ./creel up']),
        ].join('\n'),
      )
    })
}
