import type { Command } from 'commander'
import type { UsageLine } from '../domain/ports/usage.ts'
import { costText, countText } from '../domain/usage-text.ts'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { runCommand } from './session.ts'

export function addUsageCommand(program: Command, context: CliContext): void {
  program
    .command('usage')
    .description('tokens and cost of the turns, by agent and model')
    .option('--group <name>', 'of this agent alone')
    .option('--since <when>', 'from when on: 36h, 7d, 4w or a date (UTC)', '7d')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Input counts fresh tokens alone; read from and written to the model's cache have columns of their own.
Cost is what the runtime says (codex says none). Kept as long as messages (retention.messages_days, 365),
400 days at most.

  creel usage --since 30d
  creel usage --group home --json | jq .lines`,
    )
    .action(async (options: { json?: boolean; group?: string; since: string }) => {
      const { json, ...args } = options
      const usage = (await runCommand(installOf(context), 'usage', args)) as { lines: readonly UsageLine[] }
      print(context.output, json, usage, () => usageTable(usage.lines))
    })
}

function usageTable(lines: readonly UsageLine[]): string {
  if (lines.length === 0) return 'no turn has reported anything in that time'
  return table(
    ['agent', 'provider', 'model', 'turns', 'input', 'cache read', 'cache written', 'output', 'cost'],
    lines.map((line) => [
      line.group,
      line.provider,
      line.model,
      line.turns,
      ...[line.inputTokens, line.cacheReadTokens, line.cacheWriteTokens, line.outputTokens].map(countText),
      line.costUsd === null ? null : costText(line.costUsd),
    ]),
  )
}
