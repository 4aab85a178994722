import type { Install } from '../src/config/load.ts'
import type { GroupName } from '../src/domain/ids.ts'
import { type BenchHost, startBenchHost } from './bench-host.ts'
import { preciseNow } from './figures.ts'
import { lastUserText, type MockRequest, type ModelMock, startModelMock } from './model-mock.ts'

/** The runtimes that call a model, each with one that its own list knows. */
export const MODELS: Readonly<Record<string, string>> = {
  claude: 'claude-opus-5-5',
  codex: 'gpt-5.5',
  opencode: 'claude-sonnet-4-5',
}

/** A turn that takes longer is a failure, not a figure. */
const LIMIT_MS = 120_000

export interface ModelHost extends AsyncDisposable {
  readonly bench: BenchHost
  /**
   * One turn through Creel: from handing the message to the host until it hands over the first text (progress counts)
   * and the whole answer, in milliseconds. Rejects when the answer is not the model's.
   */
  turn(chat: string, word: string): Promise<{ first: number; whole: number }>
}

/**
 * A host with one agent on a real runtime, and a mock of its model that answers `heard WORD` at once; to a word that
 * begins with slow it writes about two seconds.
 */
export async function startModelHost(
  install: Install,
  provider: string,
  say: (line: string) => void,
): Promise<ModelHost> {
  const mock = await startModelMock()
  const answer = (slow: boolean, response: (asked: MockRequest) => object, latency = 0) =>
    mock.prependFixture({
      match: { predicate: (asked) => /\bslow-\d/.test(lastWord(asked)) === slow },
      response,
      ...(latency === 0 ? {} : { latency, chunkSize: 20 }),
    })
  const usage = { input_tokens: 11, output_tokens: 7, prompt_tokens: 11, completion_tokens: 7 }
  answer(false, (asked) => ({ content: `heard ${lastWord(asked)}`, usage }))
  answer(true, (asked) => ({ content: `heard ${lastWord(asked)} ${'and so on '.repeat(200)}`, usage }), 20)
  const { anthropic, openai } = install.config.models
  const models = {
    anthropic: { ...anthropic, base_url: mock.url, key_file: '' },
    openai: { ...openai, base_url: mock.url, key_file: '' },
  }
  const container = { provider, model: MODELS[provider] }
  try {
    const bench = await startBenchHost({ ...install, config: { ...install.config, models } }, say, container)
    return {
      bench,
      turn: (chat, word) => turn(bench, chat, word),
      [Symbol.asyncDispose]: () => end(bench, mock),
    }
  } catch (error) {
    await mock.stop()
    throw error
  }
}

function lastWord(asked: MockRequest): string {
  return (
    lastUserText(asked)
      .match(/\b[a-z]+-\d{3,}\b/g)
      ?.at(-1) ?? 'nothing'
  )
}

async function end(bench: BenchHost, mock: ModelMock): Promise<void> {
  await bench[Symbol.asyncDispose]()
  await mock.stop()
}

/** A chat that the agent answers, with a conversation of its own. */
function openChat({ host, channel }: BenchHost, name: string): void {
  const { directory, clock } = host.parts.core
  const chat = directory.chatFor(channel.address(name), 'private', 'bench', clock.now())
  const how = { engage: 'always', session: 'shared', senders: 'open', queue: 'follow_up' } as const
  directory.bind(chat.id, 'bench' as GroupName, how, clock.now())
}

async function turn(bench: BenchHost, chat: string, word: string): Promise<{ first: number; whole: number }> {
  const { channel } = bench
  openChat(bench, chat)
  const timer = new AbortController()
  const late = bench.host.parts.core.clock.sleep(LIMIT_MS, timer.signal).then(() => {
    throw new Error(`no answer to ${word} in ${LIMIT_MS} ms`)
  })
  late.catch(() => undefined)
  const [first, sent] = [channel.firstText(), channel.nextSent()]
  const from = preciseNow()
  channel.say(chat, `Please answer ${word}`)
  const answer = await Promise.race([sent, late])
  timer.abort()
  if (!answer.text.includes(`heard ${word}`))
    throw new Error(`unexpected answer: ${answer.text.slice(0, 300)}`)
  return { first: Math.min(await first, answer.at) - from, whole: answer.at - from }
}
