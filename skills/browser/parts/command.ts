import { parseArgs } from 'node:util'

export interface Step {
  readonly name: string
  readonly value: string
}

export interface BrowserCommand {
  /** Address, or path of a file. */
  readonly start: string
  readonly steps: readonly Step[]
  readonly settings: {
    readonly whole: boolean
    readonly phone: boolean
    /** Name under which cookies are kept; empty = they are not. */
    readonly keep: string
    /** Characters of one text. */
    readonly max: number
  }
}

export const USAGE = `usage: browser.ts ADDRESS-OR-FILE STEP...
steps, in the order in which they stand: --text --look --fill FIELD=VALUE --select FIELD=OPTION --click NAME --press KEY
  --wait TEXT --open ADDRESS --screenshot FILE.png --pdf FILE.pdf
for all of them: --whole (pictures of the whole page) --phone --keep NAME --max CHARACTERS`

const flag = { type: 'boolean' } as const
const text = { type: 'string' } as const
const STEPS = {
  ...{ text: flag, look: flag, fill: text, select: text, click: text, press: text, wait: text, open: text },
  ...{ screenshot: text, pdf: text },
}
const SETTINGS = { whole: flag, phone: flag, keep: text, max: text }

/** Reads the words of the command line. Throws Error in words for whoever typed them. */
export function readCommand(args: string[]): BrowserCommand {
  const options = { ...STEPS, ...SETTINGS }
  const { values, positionals, tokens } = parseArgs({ args, options, allowPositionals: true, tokens: true })
  const [start, ...others] = positionals
  if (start === undefined || others.length > 0) throw new Error(USAGE)
  const named = tokens.flatMap((one): Step[] =>
    one.kind === 'option' && one.name in STEPS ? [{ name: one.name, value: one.value ?? '' }] : [],
  )
  const { whole = false, phone = false, keep = '', max = '20000' } = values
  if (!/^[a-z0-9-]{0,40}$/.test(keep)) throw new Error(`--keep: expected a-z, 0-9 and -, got ${keep}`)
  if (!/^\d{3,6}$/.test(max)) throw new Error(`--max: expected 100 to 999999 characters, got ${max}`)
  const steps = named.length > 0 ? named : [{ name: 'text', value: '' }]
  return { start, steps, settings: { whole, phone, keep, max: Number(max) } }
}

/** FIELD=VALUE; an equals sign within square brackets belongs to a selector. */
export function inTwo(words: string): readonly [string, string] {
  const [, field, value] = /^((?:\[[^\]]*\]|[^=[])+)=(.*)$/s.exec(words) ?? []
  if (field === undefined || value === undefined) throw new Error('expected FIELD=VALUE')
  return [field, value]
}
