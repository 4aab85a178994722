import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { CreelError } from '../domain/errors.ts'

/** Where a secret is typed or piped in; tests put their own in. */
export interface SecretInput {
  /** A line that is typed without being shown, or all of a pipe without its last line break. Throws when it is empty. */
  read(question: string, signal: AbortSignal): Promise<string>
  /** Whether somebody sits there and can be asked twice. */
  readonly isTerminal: boolean
}

/** Standard input; the questions go to standard error, so that `--json` stays clean. */
export function standardInput(): SecretInput {
  return {
    isTerminal: process.stdin.isTTY === true,
    read: async (question, signal) => {
      const value = process.stdin.isTTY
        ? await typed(question, signal)
        : withoutLastBreak(await text(process.stdin))
      if (value === '') throw new CreelError('invalid', 'nothing was given', { hint: question })
      return value
    },
  }
}

/** Readline reads keys one by one and echoes them to its output: one that shows nothing. */
function typed(question: string, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  process.stderr.write(`${question} (it is not shown): `)
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', onStop)
      lines.removeAllListeners()
      lines.close()
      process.stderr.write('\n')
      settle()
    }
    const fail = (why: string) => end(() => reject(new CreelError('invalid', why)))
    const onStop = () => fail('stopped; nothing was changed')
    signal.addEventListener('abort', onStop)
    lines.once('SIGINT', onStop)
    lines.once('line', (line) => end(() => resolve(line.trim())))
    lines.once('close', () => fail('nothing was given'))
  })
}

function withoutLastBreak(given: string): string {
  return given.replace(/\r?\n$/, '')
}
