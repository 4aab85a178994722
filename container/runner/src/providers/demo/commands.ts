import type { TurnEvent, TurnInput } from '@creel/protocol'
import type { MakeParts } from '../../provider.ts'
import { callTool } from './call-tool.ts'
import { countOf } from './command.ts'
import { runShell } from './shell.ts'

export interface CommandCall {
  readonly rest: string
  readonly input: TurnInput
  /** Number of this turn in its session. */
  readonly turn: number
  readonly parts: MakeParts
  readonly signal: AbortSignal
}

type Command = (call: CommandCall) => AsyncGenerator<TurnEvent, void>

const MAX_MS = 3_600_000
const SLOW_STEPS = 10
const DONE: TurnEvent = { type: 'completed' }

export function helpText(turn: number): string {
  return [
    'This is the demo provider: no model is behind it. A plain message is echoed.',
    `This is turn ${turn} of this session.`,
    '',
    '- `/demo slow <ms>`: writes its answer over that time',
    '- `/demo markdown`: formatted text',
    '- `/demo long <chars>`, `/demo many <n>`, `/demo silent`: one long answer, several, none',
    '- `/demo fail <reason>`: fails as a provider does (auth, quota, overloaded, …)',
    '- `/demo hang`, `/demo garbage`: never ends; breaks the provider protocol',
    '- `/demo crash`, `/demo crash-until <n>`, `/demo exit <code>`: kills the runner',
    '- `/demo prompt`: what a model would be given',
    '- `/demo clock`: when the turn began and ended, for benchmarks',
    '- `/demo file <path>`: sends a file of the sandbox',
    '- `/demo shell <command>`: runs a command in the sandbox',
    '- `/demo ask-for-ever <agent>`: asks another agent to ask it back, and so on',
    '- `/demo tool <name> <JSON>`: calls a tool of the runner, as a model does; each line is a call',
  ].join('\n')
}

async function* help({ turn }: CommandCall): AsyncGenerator<TurnEvent, void> {
  yield { type: 'message', text: helpText(turn) }
  yield DONE
}

async function* slow({ rest, turn, parts, signal }: CommandCall): AsyncGenerator<TurnEvent, void> {
  const ms = countOf(rest, 1_000, MAX_MS)
  for (let step = 1; step <= SLOW_STEPS; step++) {
    await parts.clock.sleep(ms / SLOW_STEPS, signal)
    yield { type: 'delta', text: `${step === 1 ? 'demo: slow' : ''} ${step}` }
  }
  yield { type: 'message', text: `demo: slow answer after ${ms} ms, turn ${turn} of this session` }
  yield DONE
}

async function* crash({ parts, signal }: CommandCall): AsyncGenerator<TurnEvent, void> {
  parts.ending.crash()
  yield* never(signal)
}

async function* crashUntil(call: CommandCall): AsyncGenerator<TurnEvent, void> {
  const attempt = call.input.attempt
  if (attempt < countOf(call.rest, 1, 1_000)) yield* crash(call)
  yield { type: 'message', text: `demo: survived at attempt ${attempt}` }
  yield DONE
}

async function* exit({ rest, parts, signal }: CommandCall): AsyncGenerator<TurnEvent, void> {
  parts.ending.exit(countOf(rest, 1, 255))
  yield* never(signal)
}

async function* hang({ signal }: CommandCall): AsyncGenerator<TurnEvent, void> {
  yield { type: 'activity' }
  yield* never(signal)
}

/** Parsed from JSON, because the compiler would not let a provider say this. */
async function* garbage(): AsyncGenerator<TurnEvent, void> {
  yield { type: 'message', text: 'demo: the next event is garbage' }
  yield JSON.parse('{"type":"message","text":{"not":"text"}}')
}

async function* fail({ rest }: CommandCall): AsyncGenerator<TurnEvent, void> {
  const known = (['auth', 'quota', 'overloaded', 'resume-lost', 'crashed', 'timeout'] as const).find(
    (r) => r === rest,
  )
  yield { type: 'failed', reason: known ?? 'other', message: `demo failure on request: ${rest}` }
}

async function* long({ rest }: CommandCall): AsyncGenerator<TurnEvent, void> {
  const length = countOf(rest, 10_000, 2_000_000)
  const line = 'demo: a long answer, for channels that must split it.\n'
  yield { type: 'message', text: line.repeat(Math.ceil(length / line.length)).slice(0, length) }
  yield DONE
}

async function* markdown({ turn }: CommandCall): AsyncGenerator<TurnEvent, void> {
  const text = [
    '# Demo',
    `Turn **${turn}** of this session, with _emphasis_, \`code\` and [a link](https://example.com/?a=1&b=2).`,
    '',
    '- one',
    '- two',
    '',
    '```js',
    'if (1 < 2 && "a" !== \'b\') console.log(`<b>not bold</b>`)',
    '```',
    '> a quote',
  ].join('\n')
  yield { type: 'message', text }
  yield DONE
}

/** What a model would have been given: the message with its background. */
async function* prompt({ input }: CommandCall): AsyncGenerator<TurnEvent, void> {
  yield { type: 'message', text: input.prompt }
  yield DONE
}

/** When this turn began and ended, for benchmarks. */
async function* clock(): AsyncGenerator<TurnEvent, void> {
  const begun = performance.timeOrigin + performance.now()
  const ended = performance.timeOrigin + performance.now()
  yield { type: 'message', text: `demo: clock ${begun.toFixed(3)} ${ended.toFixed(3)}` }
  yield DONE
}

async function* silent(): AsyncGenerator<TurnEvent, void> {
  yield { type: 'completed', silent: true }
}

async function* many({ rest }: CommandCall): AsyncGenerator<TurnEvent, void> {
  const count = countOf(rest, 3, 1_000)
  for (let n = 1; n <= count; n++) yield { type: 'message', text: `demo: ${n} of ${count}` }
  yield DONE
}

/**
 * What a compromised agent could do anyway. The sandbox is the boundary, not the provider, so the tests of the sandbox
 * attack it through here.
 */
async function* shell({ rest, parts, signal }: CommandCall): AsyncGenerator<TurnEvent, void> {
  // Nothing else starts them here, and the command of their name needs them.
  if (/\bcreel\b/.test(rest)) await parts.startTools()
  yield { type: 'tool', phase: 'started', name: 'shell' }
  const output = await runShell(rest, parts, signal)
  yield { type: 'tool', phase: 'ended', name: 'shell' }
  yield { type: 'message', text: output }
  yield DONE
}

/** Sends a file; the rest of the line is its path. */
async function* file({ rest }: CommandCall): AsyncGenerator<TurnEvent, void> {
  yield { type: 'file', path: rest, caption: `demo: **${rest}**` }
  yield DONE
}

/** The tools that a model has, one call a line; a line `hang` does not end. */
async function* tool({ rest, input, parts, signal }: CommandCall): AsyncGenerator<TurnEvent, void> {
  const tools = await parts.startTools()
  const answers: string[] = []
  for (const line of rest.split('\n')) {
    const [name = '', ...args] = line.trim().split(' ')
    if (name === 'hang') {
      yield* never(signal)
      return
    }
    yield { type: 'tool', phase: 'started', name }
    answers.push(await callTool(tools.serversOf(input.session), name, args.join(' ')))
    yield { type: 'tool', phase: 'ended', name }
  }
  yield { type: 'message', text: answers.join('\n') }
  yield DONE
}

/**
 * An agent that cannot stop: it asks another one, which is to ask it back, and its answer makes whoever gets it do the
 * same again. The rest of the line is the other's name.
 */
async function* askForEver({ rest, input, parts }: CommandCall): AsyncGenerator<TurnEvent, void> {
  const tools = await parts.startTools()
  const again = `/demo ask-for-ever ${parts.settings.group}`
  const args = JSON.stringify({ to: rest.split(/\s/)[0] ?? '', message: again })
  yield { type: 'tool', phase: 'started', name: 'send_to_agent' }
  await callTool(tools.serversOf(input.session), 'send_to_agent', args)
  yield { type: 'tool', phase: 'ended', name: 'send_to_agent' }
  yield { type: 'message', text: again }
  yield DONE
}

async function* never(signal: AbortSignal): AsyncGenerator<TurnEvent, void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  yield { type: 'interrupted' }
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  clock,
  prompt,
  help,
  slow,
  crash,
  'crash-until': crashUntil,
  exit,
  file,
  hang,
  garbage,
  fail,
  long,
  markdown,
  silent,
  many,
  shell,
  tool,
  'ask-for-ever': askForEver,
}
