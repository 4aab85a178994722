import type { TurnEvent, TurnInput } from '@creel/protocol'
import type { MakeParts, ProviderRuntime, Turn } from '../../provider.ts'
import { sizeText } from '../../turn-attachments.ts'
import { demoCommand } from './command.ts'
import { COMMANDS, helpText } from './commands.ts'

const FIRST_TURN_NOTE = '(This is the demo provider: there is no model behind it.)'

/**
 * A provider without a model: it says so, echoes, and does on request what a real one might do, well or badly. It
 * needs no key and always behaves the same, so it is what a fresh install and the tests run on. How many turns a
 * session has had is its resume token.
 */
export class DemoProvider implements ProviderRuntime {
  readonly name = 'demo'
  readonly #parts: MakeParts

  constructor(parts: MakeParts) {
    this.#parts = parts
  }

  startTurn(input: TurnInput, signal: AbortSignal): Turn {
    return {
      [Symbol.asyncIterator]: () => events(input, this.#parts, signal),
      steer: async () => 'unsupported',
    }
  }

  async close(): Promise<void> {
    // It starts no process that outlives its turn.
  }
}

async function* events(
  input: TurnInput,
  parts: MakeParts,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, void> {
  const turn = turnNumber(input.resumeToken)
  yield { type: 'started', resumeToken: String(turn) }
  if (input.kind === 'compact') {
    yield { type: 'completed', silent: true }
    return
  }
  try {
    yield* answer(input, turn, parts, signal)
  } catch (error) {
    // An aborted sleep rejects; anything else is a bug and the turn loop's to report.
    if (!signal.aborted) throw error
    yield { type: 'interrupted' }
  }
}

async function* answer(
  input: TurnInput,
  turn: number,
  parts: MakeParts,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, void> {
  const command = demoCommand(input.text)
  if (!command) {
    const note = turn === 1 ? `\n${FIRST_TURN_NOTE}` : ''
    yield { type: 'message', text: `demo: ${input.text}${filesText(input)}${note}` }
  } else if (Object.hasOwn(COMMANDS, command.name)) {
    const run = COMMANDS[command.name]
    if (run) {
      yield* run({ rest: command.rest, input, turn, parts, signal })
      return
    }
  } else {
    yield { type: 'message', text: `demo: there is no command "${command.name}".\n\n${helpText(turn)}` }
  }
  yield { type: 'completed' }
}

/** What came with the message: `[image photo.jpg 12 kB]`. */
function filesText({ attachments = [] }: TurnInput): string {
  return attachments.map(({ kind, name, bytes }) => ` [${kind} ${name} ${sizeText(bytes)}]`).join('')
}

function turnNumber(resumeToken: string | undefined): number {
  const turns = Number.parseInt(resumeToken ?? '0', 10)
  return Number.isSafeInteger(turns) && turns >= 0 ? turns + 1 : 1
}
