import type { Command } from 'commander'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'

export function addBenchCommand(program: Command, context: CliContext): void {
  program
    .command('bench <name>')
    .description('measure this machine: how fast, how large, how steady')
    .option('--json', 'the result is one line on stdout either way: {"bench":NAME,"n":N,"figures":{…}}')
    .option('-n, --runs <count>', 'how many messages, wakes, seconds, turns or sessions')
    .option('--sessions <count>', 'the same as --runs, for provider-memory')
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
  gateway     what the way out of a sandbox costs: -n (100) streamed answers of a model (time to the first byte, delay
              of each piece), in turn with the same requests through nothing but a socket; then 128 MB of each kind in
              turn, up to nine times, in turn with a container of the same image on a bridge network of its own.
              throughput_ratio is that of a tunnel, as which large transfers go: TLS that is passed on unopened;
              opened_… that of hosts for which a secret is added or requests are judged, decrypted and encrypted once
              more; model_… that of a model's answer. Median of the pairs. Then 2 GB tunnelled and 500 MB opened, for
              the memory of the host. Server, gateway, forwarder and client share the machine's cores, so the ratios
              count their work, which a network would hide
  isolation   p99 of nine healthy groups, alone and beside one that dies at every message, with an entry and a file of
              100 MB, and an outbox that is locked and poisoned; and p99 of a bare commit on the same disk, alone and
              beside it. The attacks come one after the other: the first of them alone with a small -n
  soak        -n minutes (30) of 50 messages a second to 200 groups and back: memory of the host, its slope in the
              second half with the error of that, what is alive on its heap and how that grew since half time, open
              files, disk, lost and doubled answers; Ctrl-C has it say what was measured until then
  provider  for claude, codex and opencode, against a mock of their models: one turn of a warm conversation through
          Creel (message handed over -> whole answer handed to the channel), over the same turn by the runtime's own
          command line in the same sandbox (claude -p --resume, codex exec resume, opencode run --session: a fresh
          process each, until the answer is on its output), taken in turn; median and worst of the pairs. And the time
          to the first text shown of an answer that takes two seconds. Installs the mock into .creel when it is missing
  provider-memory  what each further idle conversation costs after a turn of its own (--sessions, 30), beside a process
          of the runtime with one conversation; proportional memory of all processes in the sandbox, in MB`,
    )
    .action(async (name: string, options: { json?: boolean; runs?: string; sessions?: string }) => {
      // A host that starts must not wait for what measures it.
      const { BENCHES } = await import('../../bench/benches.ts')
      const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
      if (!bench) {
        throw new CreelError('not_found', `there is no bench ${name}`, {
          hint: `there is: ${Object.keys(BENCHES).join(', ')}`,
        })
      }
      const asked = options.runs ?? options.sessions
      const runs = asked === undefined ? bench.defaultRuns : Number(asked)
      if (!Number.isInteger(runs) || runs < 1)
        throw new CreelError('invalid', `--runs: expected a number, got ${asked}`)
      const say = (line: string) => context.output.err(line)
      const figures = await bench.run({ install: installOf(context), runs, say, signal: context.signal })
      context.output.out(JSON.stringify({ bench: name, n: runs, figures }))
    })
}
