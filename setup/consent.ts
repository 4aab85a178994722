import { createInterface } from 'node:readline/promises'

/** How a person takes part in the set-up. */
export interface Consent {
  /** `--yes`: install what is missing without asking. */
  readonly yes: boolean
  /** Somebody sits at a terminal and can be asked. */
  readonly interactive: boolean
  /** Asks a yes-or-no question; resolves to true only for a clear yes. */
  readonly ask: (question: string) => Promise<boolean>
}

/** Consent from this process' terminal; without one nobody is asked. */
export function terminalConsent(yes: boolean): Consent {
  return {
    yes,
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    ask: async (question) => {
      const terminal = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
      } finally {
        terminal.close()
      }
    },
  }
}
