import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../providers/model-server.ts'
import { ProviderRig, REAL_KEY } from '../providers/rig.ts'
import { anthropicCounted, type CountedAnswer, describeChat } from './provider-chat.ts'
import { describeFailures } from './provider-failures.ts'
import { describeFiles } from './provider-files.ts'
import { ANTHROPIC_OVERFLOW, describeMemory } from './provider-memory.ts'
import { describeNetwork } from './provider-network.ts'
import { describeQueue } from './provider-queue.ts'
import { describeSelfChange } from './provider-self-change.ts'
import { type CallTool, describeTools } from './provider-tools.ts'
import { describeTurns } from './provider-turns.ts'

export interface ProviderContractOptions {
  /** More of the group's container.json: the model that the tests name. */
  readonly container?: Readonly<Record<string, unknown>>
  /** Another model that the provider takes, for `/model`. */
  readonly otherModel?: string
  /** How its model answers and says what it used; Anthropic's way when absent. */
  readonly counted?: CountedAnswer
  /** Calls a model; without it, what is about models is left out. */
  readonly model: boolean
  /** Seconds in which a turn must end that no model answers: the runtime's own retries end before it. */
  readonly turnLimitS?: number
  /** Part of the command line of the runtime's process, to kill it. */
  readonly process?: string
  /** A session id in the runtime's form that it has never given. */
  readonly unknownSession?: string
  /** What its API answers when a conversation is too long; what Anthropic's does, unless told otherwise. */
  readonly overflow?: object
  /** How its model calls tools; needed with `model`. */
  readonly callTool?: CallTool
  /** How its model runs a command in the shell; left out where no test does. */
  readonly shell?: (command: string) => Answer
  /** More tests of this provider, on the same host and sandbox. */
  readonly more?: (rig: () => ProviderRig) => void
}

const MARK = 'PERSONA-MARK-71'
/** Of the body of the skill that comes with Creel. */
const SKILL_BODY = 'Match what is meant, not how it is spelled'

/**
 * What every provider promises, with its real program in a real sandbox: a person at a terminal chat, the real host,
 * and model services made by the test. One sandbox for all tests, as a group has it: each test leaves it able to answer.
 */
export function providerContract(provider: string, options: ProviderContractOptions): void {
  describe(`provider ${provider}`, () => {
    let rig: ProviderRig
    let mark = 100
    /** A word that the model answers with `heard WORD`. */
    const next = () => `ping-${++mark}`
    const heard = async (): Promise<string> => {
      const word = next()
      await rig.ask(word, answerTo(word))
      return word
    }
    const answerTo = (word: string) => (options.model ? `heard ${word}` : `demo: ${word}`)
    const container = (more: object = {}) => ({ provider, ...options.container, ...more })
    const lines = async (part: string) =>
      (await rig.person.agentLines()).filter((line) => line.includes(part))

    beforeAll(async () => {
      const instructions = `You are a test. ${MARK}`
      rig = await ProviderRig.make({ provider, container: options.container ?? {}, instructions })
    })
    afterEach(() => rig.model.clearFaults())
    afterAll(() => rig?.[Symbol.asyncDispose]())

    it('answers, and answers again', async () => {
      await heard()
      await heard()
    })

    it('answers after its sandbox was killed', async () => {
      await rig.killSandbox()
      await heard()
    })

    it('answers through a host that was killed and started again, in the same sandbox', async () => {
      await heard()
      const ids = async () => (await rig.host.containers()).map(({ id }) => id)
      const before = await ids()
      await rig.host.kill()
      await rig.host.start()
      await heard()
      expect(await ids()).toEqual(before)
    })

    it('answers what was said during a turn once, after it', async () => {
      await rig.queue('follow_up')
      const [slow, quick] = [next(), next()]
      const begun = () => rig.host.log().filter(({ event }) => event === 'turn.accepted').length
      const before = begun()
      if (options.model)
        rig.model.on(slow, { text: `heard ${slow} ${'and so on '.repeat(20)}`, pieceMs: 100 })
      await rig.person.say(options.model ? slow : `/demo slow 1500`)
      await rig.host.until('the turn', () => begun() > before)
      await rig.ask(quick, answerTo(quick))
      expect(await lines(answerTo(quick))).toHaveLength(1)
      if (options.model) expect(await lines(`heard ${slow}`)).toHaveLength(1)
    })

    it('ends a turn at /stop within a moment, and answers the next', async () => {
      const settled = () => rig.host.log().filter(({ event }) => event === 'turn.settled')
      const before = settled().length
      const newest = () => Math.max(0, ...rig.entries('progress').map(({ inboxSeq }) => inboxSeq))
      const shown = newest()
      const long = next()
      if (options.model)
        rig.model.on(long, { text: `heard ${long} ${'and so on '.repeat(400)}`, pieceMs: 100 })
      await rig.person.say(options.model ? long : '/demo slow 60000')
      await rig.host.until('words of the answer', () => newest() > shown)
      const from = performance.now()
      await rig.person.say('/stop')
      await rig.host.until('the end of the turn', () => settled().length > before)
      // A second is the promise; a busy machine gets more.
      expect(performance.now() - from).toBeLessThan(5_000)
      expect(settled().at(-1)).toMatchObject({ outcome: 'cancelled' })
      await heard()
    })

    describeFiles({ rig: () => rig, model: options.model, next })
    if (options.model) describeModel(() => rig, { provider, options, heard, next, lines, container })

    it('stops a turn that takes too long, says so, and answers the next', async () => {
      const before = (await lines('longer than its time limit')).length
      rig.configure(container({ limits: { turn_timeout_s: 8 } }))
      await rig.killSandbox()
      const stuck = next()
      rig.model.fault(stuck, { hang: true }, { hang: true }, { hang: true })
      await rig.person.say(options.model ? stuck : '/demo hang')
      await rig.host.until('the word about the time limit', async () => {
        return (await lines('longer than its time limit')).length > before
      })
      rig.model.clearFaults()
      await heard()
    })

    const tools = {
      ...{ rig: () => rig, next, heard, lines, container },
      ...{ call: options.callTool, shell: options.shell },
    }
    describeTools(tools)
    describeSelfChange(tools)

    describeNetwork(() => rig, heard)

    options.more?.(() => rig)

    it('has asked the gateway for nothing that it refuses', () => {
      expect(rig.host.log().filter(({ event }) => event === 'gateway.refused')).toEqual([])
    })
  })
}

interface Tools {
  readonly provider: string
  readonly options: ProviderContractOptions
  readonly heard: () => Promise<string>
  readonly next: () => string
  readonly lines: (part: string) => Promise<string[]>
  readonly container: (more?: object) => Readonly<Record<string, unknown>>
}

function describeModel(rig: () => ProviderRig, tools: Tools): void {
  const { heard, lines, next, options } = tools

  it('tells the model where it is and who, and which skills it has by name and description alone', async () => {
    const [call] = rig().model.calls(await heard())
    expect(call?.text).toContain('# Where you are')
    expect(call?.text).toContain(MARK)
    expect(call?.text).toContain('shared-lists')
    expect(call?.text).toContain('Keeps the lists of a household or team')
    expect(call?.text).not.toContain(SKILL_BODY)
    // Where the model is told that it is, or in the place of which its own tool reads it.
    expect(await rig().inSandbox('cat', '/skills/shared-lists/SKILL.md')).toContain(SKILL_BODY)
    expect(await rig().inSandbox('sh', '-c', 'echo x >>/skills/shared-lists/SKILL.md || echo no')).toContain(
      'no',
    )
  })

  it('loads no skill and no instructions that the agent left for its next start', async () => {
    await heard()
    const evil = '---\nname: evil\ndescription: EVIL-SKILL\n---\n'
    const folders = ['.claude/skills', '.codex/skills', '.agents/skills', '.config/opencode/skills']
    const places = [
      ...folders.map((name) => `/home/agent/${name}`),
      ...folders.map((name) => `/workspace/${name}`),
    ]
    const more = ['/home/agent/.creel/opencode/config/opencode/skills', '/workspace/.opencode/skills']
    const planted = [...places, ...more]
    const set = `set -- ${planted.join(' ')}; for p; do mkdir -p $p/evil && printf %s "$E" >$p/evil/SKILL.md; done`
    const found = 'grep -l EVIL-SKILL $(printf "%s/evil/SKILL.md " "$@") | wc -l'
    const made = await rig().inSandbox('env', `E=${evil}`, 'sh', '-c', `${set}; ${found}`)
    expect(made.trim()).toBe(String(planted.length))
    await rig().killSandbox()
    const [call] = rig().model.calls(await heard())
    await rig().inSandbox('rm', '-rf', ...planted)
    expect(call?.text).toContain('shared-lists')
    expect(call?.text).not.toContain('EVIL-SKILL')
  })

  it('answers with instructions that are too long, and says in them what is missing', async () => {
    const rules = Array.from({ length: 15_000 }, (_, n) => `Rule ${n}.`).join('\n')
    rig().instruct(`You are a test. ${MARK}\n${rules}`)
    await rig().killSandbox()
    const [call] = rig().model.calls(await heard())
    expect(call?.text).toContain('# Where you are')
    expect(call?.text).toContain(MARK)
    expect(call?.text).toContain('Rule 4000.')
    expect(call?.text).not.toContain('Rule 14999.')
    expect(call?.text).toMatch(/AGENTS\.md ends here for lack of room: \d+ of its \d+ bytes/)
    expect(
      await rig().inSandbox('grep', '-F', 'Rule 14999.', '/home/agent/.creel/instructions.md'),
    ).toContain('Rule 14999.')
    rig().instruct(`You are a test. ${MARK}`)
    await rig().killSandbox()
  })

  it('gives the model the instructions of the group and what was said before', async () => {
    const [first, second] = [await heard(), await heard()]
    const [call] = rig().model.calls(second)
    expect(call?.text).toContain(MARK)
    expect(call?.text).toContain(first)
    expect(call?.text).toContain(`heard ${first}`)
  })

  it('reports what a turn used', async () => {
    const before = rig().usage().length
    await heard()
    await rig().host.until('the usage', () => rig().usage().length > before)
    const usage = rig().usage().at(-1)
    expect(usage?.inputTokens).toBeGreaterThan(0)
    expect(usage?.outputTokens).toBeGreaterThan(0)
  })

  it('calls its model with the real key, which is nowhere in the sandbox and in no log', async () => {
    const word = await heard()
    const headers = rig().model.calls(word)[0]?.headers
    expect(headers?.['x-api-key'] ?? headers?.authorization).toMatch(new RegExp(`^(?:Bearer )?${REAL_KEY}$`))
    // The search itself has the key on its command line, but not as it is written there.
    const pattern = REAL_KEY.replace(/^./, '[$&]')
    const places =
      '/proc/[0-9]*/environ /proc/[0-9]*/cmdline /home/agent /workspace /tmp /run/creel /mail/in /opt/creel'
    const found = await rig().inSandbox('sh', '-c', `grep -rals '${pattern}' ${places}; echo searched`)
    expect(found.trim()).toBe('searched')
    expect(JSON.stringify(rig().host.log())).not.toContain(REAL_KEY)
  })

  describeChat({
    ...{ rig, next, heard, lines },
    ownModel: String(options.container?.model),
    otherModel: options.otherModel ?? '',
    counted: options.counted ?? anthropicCounted,
  })
  describeQueue({ rig, next, heard, lines })
  describeTurns({ rig, next, heard, lines, container: tools.container })
  describeMemory({
    ...{ rig, next, heard, lines },
    unknownSession: options.unknownSession ?? '01890000-0000-7000-8000-000000000000',
    overflow: options.overflow ?? ANTHROPIC_OVERFLOW,
  })
  describeFailures({ rig, next, heard, lines, process: options.process })
}
