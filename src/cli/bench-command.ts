import type { Command } from 'commander'
import { BENCHES } from '../../bench/benches.ts'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'

export function addBenchCommand(program: Command, context: CliContext): void {
  program
    .command('bench <name>')
    .description('measure this machine: relay, cold, burst, throughput, idle or isolation')
    .option('--json', 'only the last line: {"bench":NAME,"n":N,"figures":{…}}')
    .option('-n, --runs <count>', 'how many messages, wakes or seconds')
    .addHelpText(
      'after',
      `
Uses a data directory of its own and the demo provider; the running host is left alone.

  relay   inbound commit -> turn start, and outbox commit -> channel send, warm, in milliseconds
  cold    message -> turn start from a stopped and from a paused sandbox, beside the floor of this machine:
          create and start of the same image until the first line of JavaScript
  burst       1,000 messages at once to 20 groups without a sandbox, until the last answer is sent, in order
  throughput  messages a second from the channel into the inboxes of 1, 100 and 1,000 groups, each synced,
              beside the floor: plain inserts with the same settings
  idle        CPU, memory and time to ready of a host with 1,000 groups and 10,000 conversations
  isolation   p99 of nine healthy groups, alone and beside one that is poisoned, locked and dying`,
    )
    .action(async (name: string, options: { json?: boolean; runs?: string }) => {
      const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
      if (!bench) {
        throw new CreelError('not_found', `there is no bench ${name}`, {
          hint: `there is: ${Object.keys(BENCHES).join(', ')}`,
        })
      }
      const runs = options.runs === undefined ? bench.defaultRuns : Number(options.runs)
      if (!Number.isInteger(runs) || runs < 1)
        throw new CreelError('invalid', `--runs: expected a number, got ${options.runs}`)
      const say = options.json ? () => undefined : (line: string) => context.output.err(line)
      const figures = await bench.run({ install: installOf(context), runs, say, signal: context.signal })
      context.output.out(JSON.stringify({ bench: name, n: runs, figures }))
    })
}
