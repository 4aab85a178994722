/** What a command line of the sandbox's `creel` asks for. */
export type ShellCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'tools'; readonly session: string | undefined }
  | {
      readonly kind: 'call'
      readonly tool: string
      /** JSON. */
      readonly args: string
      readonly session: string | undefined
    }
  | { readonly kind: 'wrong'; readonly message: string }

export const SHELL_HELP = `creel: Creel's tools from a shell, with the same rights as the turn that runs.

  creel send TEXT [--to DESTINATION]       a message into the chat, now
  creel file PATH [CAPTION]                a file with your answer
  creel ask QUESTION [OPTION ...]          a question; without options people answer in their own words
  creel agent NAME MESSAGE                 asks another agent
  creel status                             who and where you are, and what is left of your limits
  creel tools                              all tools with what they do
  creel call TOOL ['{"json": "arguments"}']

--session NAME says which conversation, when several are at work at once. Exit code 1: it was not done, and why.`

const SHORT: Readonly<Record<string, (words: readonly string[]) => { tool: string; args: object } | string>> =
  {
    send: ([text, ...more]) =>
      text === undefined || more.length > 0
        ? 'send: one TEXT, in quotes'
        : { tool: 'send_message', args: { text } },
    file: ([path, caption, ...more]) =>
      path === undefined || more.length > 0
        ? 'file: a PATH, and a CAPTION in quotes'
        : { tool: 'send_file', args: { path, ...(caption === undefined ? {} : { caption }) } },
    ask: ([question, ...options]) =>
      question === undefined
        ? 'ask: a QUESTION in quotes, and the answers to choose from'
        : { tool: 'ask_user', args: { question, options, free_text: options.length === 0 } },
    agent: ([to, message, ...more]) =>
      to === undefined || message === undefined || more.length > 0
        ? 'agent: a NAME, and a MESSAGE in quotes'
        : { tool: 'send_to_agent', args: { to, message } },
    status: () => ({ tool: 'get_status', args: {} }),
  }

/** Pure. `session` is that of the process, where its runtime tells. */
export function shellCommand(argv: readonly string[], session: string | undefined): ShellCommand {
  const words: string[] = []
  const options = new Map<string, string>()
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word !== '--session' && word !== '--to') words.push(word)
    else if (argv[at + 1] === undefined) return wrong(`${word}: a value is missing`)
    else options.set(word, argv[++at] ?? '')
  }
  const of = options.get('--session') ?? session
  const [name = 'help', ...rest] = words
  if (['help', '--help', '-h'].includes(name)) return { kind: 'help' }
  if (name === 'tools') return { kind: 'tools', session: of }
  if (name === 'call') {
    const [tool, args = '{}', ...more] = rest
    if (tool === undefined || more.length > 0)
      return wrong('call: a TOOL, and its arguments as JSON in quotes')
    return isObject(args)
      ? { kind: 'call', tool, args, session: of }
      : wrong('call: the arguments are no JSON object')
  }
  const made = Object.hasOwn(SHORT, name) ? SHORT[name]?.(rest) : `there is no "${name}"`
  if (made === undefined || typeof made === 'string') return wrong(made ?? '')
  const to = options.get('--to')
  const args = name === 'send' && to !== undefined ? { ...made.args, to } : made.args
  return { kind: 'call', tool: made.tool, args: JSON.stringify(args), session: of }
}

function wrong(message: string): ShellCommand {
  return { kind: 'wrong', message }
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
