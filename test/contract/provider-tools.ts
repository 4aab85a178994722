import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Answer, USAGE } from '../providers/model-server.ts'
import { AGENT_REQUESTS, type ProviderRig } from '../providers/rig.ts'
import { describeSearch } from './provider-search.ts'

/** How a model calls a tool of a tool server through this runtime: as the mock says it, or as a stream written by hand. */
export type CallTool = (server: string, tool: string, args: object) => Answer | { pieces: readonly string[] }

/** What the tests of tools need of the suite that they are part of. */
export interface ToolTests {
  readonly rig: () => ProviderRig
  readonly next: () => string
  readonly heard: () => Promise<string>
  readonly lines: (part: string) => Promise<string[]>
  readonly container: (more?: object) => Readonly<Record<string, unknown>>
  /** Undefined for a provider without a model, which calls our tools when it is told to. */
  readonly call: CallTool | undefined
  /** How its model runs a command; undefined where no test does. */
  readonly shell?: ((command: string) => Answer) | undefined
}

export const ECHO_SERVER = 'echo-mcp-server.mjs'

/** Our own tools, and those of container.json, called by the runtime's model in the real sandbox. */
export function describeTools(tests: ToolTests): void {
  describe('tools', () => {
    describeOurs(tests)
    describeAgents(tests)
    if (!tests.call || tests.shell) describeShell(tests)
    if (tests.call) describeServers(tests, tests.call)
  })
}

function describeOurs({ rig, next, heard, lines, call }: ToolTests): void {
  /** A person says `word`, for which the agent is to call this tool; returns what to say. */
  const asked = (word: string, tool: string, args: object): string => {
    if (!call) return `/demo tool ${tool} ${JSON.stringify(args)}`
    script(rig(), word, call('creel', tool, args))
    return word
  }
  /** What the model was told of its call. */
  const told = (word: string) => (call ? (rig().model.calls(word).at(-1)?.text ?? '') : '')

  it('send a message into the chat before the answer, and tell the model so', async () => {
    const word = next()
    await rig().person.say(asked(word, 'send_message', { text: `by tool: ${word}` }))
    await rig().person.answered(call ? `heard ${word}` : 'Queued: ')
    const said = await rig().person.agentLines()
    const [tool, answer] = [`by tool: ${word}`, call ? `heard ${word}` : 'Queued: ']
    expect(said.filter((line) => line.includes(tool))).toHaveLength(1)
    expect(said.findIndex((line) => line.includes(tool))).toBeLessThan(
      said.findLastIndex((line) => line.includes(answer)),
    )
    if (call) expect(told(word)).toContain('Queued: ')
  })

  it('send a file of the workspace with the answer', async () => {
    const word = next()
    writeFileSync(join(rig().workspace, `${word}.txt`), 'a report')
    await rig().person.say(asked(word, 'send_file', { path: `${word}.txt`, caption: `with ${word}` }))
    await rig().person.answered(call ? `heard ${word}` : 'Copied: ')
    await rig().host.until('its delivery', async () => (await lines(`with ${word}`)).length > 0)
    expect((await rig().person.agentFiles()).at(-1)).toMatchObject({ name: `${word}.txt`, bytes: 8 })
  })

  it('tell the model what is wrong with a call', async () => {
    const word = next()
    await rig().person.say(asked(word, 'send_message', { txt: 'wrong' }))
    await rig().person.answered(call ? `heard ${word}` : 'A right call')
    if (call) expect(told(word)).toContain('A right call')
  })

  it('know the session that calls them', async () => {
    const word = next()
    await rig().person.say(asked(word, 'get_status', {}))
    await rig().person.answered(call ? `heard ${word}` : '"session"')
    const status = call ? told(word) : (await lines('"session"')).join('')
    expect(status).toMatch(/session\W+chat:\d+\b/)
    expect(status).toMatch(/messages_left\W+20\b/)
  })

  it('remember what was told, with who told it; a person sees it and has it forgotten', async () => {
    const word = next()
    // Not the word itself: the mock would answer to it where the memory says it.
    const fact = `the fact is ${word.replace(/\D/g, '')}`
    await rig().person.say(asked(word, 'remember', { text: fact }))
    await rig().person.answered(call ? `heard ${word}` : 'Noted as ')
    await rig().person.say('/memory')
    await rig().person.answered(`: ${fact}`)
    const shown = (await lines(`: ${fact}`)).join('')
    expect(shown).toMatch(/\[[0-9a-f]{8}\] \d{4}-\d\d-\d\d, \S+ "[^"]*", owner, in a \w+ private chat/)
    if (call) expect(rig().model.calls(await heard())[0]?.text).toContain(`: ${fact}`)
    const id = new RegExp(`\\[([0-9a-f]{8})\\] [^\\n]*: ${fact}`).exec(shown)?.[1]
    await rig().person.say(`/memory forget ${id}`)
    await rig().person.answered(`Forgotten: [${id}]`)
    expect(await rig().inSandbox('cat', '/memory/index.md')).not.toContain(fact)
  })

  describeSearch({ rig, next, lines, model: call !== undefined }, asked, told)

  it('look back at the chat, send a card, react, and are told what the chat cannot do', async () => {
    const said = async (tool: string, args: object, demo: string) => {
      const word = next()
      await rig().person.say(asked(word, tool, args))
      await rig().person.answered(call ? `heard ${word}` : demo)
      return call ? told(word) : (await lines(demo)).join('')
    }
    const card = { title: `Card ${next()}`, links: [{ label: 'Map', url: 'https://example.org/' }] }
    const sent = await said('send_card', card, 'Queued: the card')
    const handle = /for edit_message is (d\d+)/.exec(sent)?.[1] ?? 'none'
    await rig().host.until('the card', async () => (await lines(card.title)).length > 0)
    expect(await said('read_history', { limit: 30 }, 'Said in this chat')).toContain(`${handle}:`)
    expect(await said('add_reaction', { emoji: '🎉' }, 'Reacted with')).toContain('Reacted with 🎉')
    await rig().host.until('the reaction', async () => (await lines('🎉 (to what you wrote)')).length > 0)
    const edit = { message: handle, text: 'changed' }
    expect(await said('edit_message', edit, 'cannot change what was sent')).toContain(
      'cannot change what was sent',
    )
  })

  it('ask the owner, whose word begins a turn of the same conversation', async () => {
    const word = next()
    const host = 'weather.example.com'
    if (call) rig().model.on(host, { text: `told ${word}` })
    await rig().person.say(asked(word, 'request_egress', { host, reason: `for ${word}` }))
    await rig().person.answered(call ? `heard ${word}` : `The owner is asked to let you reach ${host}:443`)
    if (call) expect(told(word)).toContain('The owner is asked')
    await rig().person.answered('Creel asks you to decide')
    const card = (await lines('Creel asks you to decide')).join('')
    expect(card).toContain(`\`for ${word}\``)
    await rig().person.say(/\/approve [a-z0-9-]+ always/.exec(card)?.[0] ?? 'no code')
    await rig().person.answered(call ? `told ${word}` : 'it was allowed by')
    if (call) expect(rig().model.calls('it was allowed by').at(-1)?.text).toContain('creel:host')
    expect(await rig().host.call('approval-list', { all: true })).toMatchObject([
      { state: 'done', choice: 'always' },
    ])
  })

  it('have the host make, show and end a task within the turn', async () => {
    const [made, shown, ended] = [next(), next(), next()]
    const task = { name: `for ${made}`, prompt: 'look', cron: '0 9 * * 1-5', timezone: 'Europe/Berlin' }
    await rig().person.say(asked(made, 'schedule_task', task))
    await rig().person.answered(call ? `heard ${made}` : `for ${made}`)
    if (call) expect(told(made)).toMatch(/09:00 \(Europe\/Berlin\)/)
    const tasks = (await rig().host.call('task-list')) as { id: number; name: string }[]
    const { id } = tasks.find(({ name }) => name === task.name) ?? { id: 0 }
    await rig().person.say(asked(shown, 'list_tasks', { id }))
    await rig().person.answered(call ? `heard ${shown}` : '"runs"')
    if (call) expect(told(shown)).toContain(`for ${made}`)
    await rig().person.say(asked(ended, 'cancel_task', { id }))
    await rig().person.answered(call ? `heard ${ended}` : 'cancelled')
    if (call) expect(told(ended)).toContain('cancelled')
    expect(await rig().host.call('task-show', { id })).toMatchObject({ state: 'cancelled' })
  })

  it('have a task wake the agent when it is due, and not when its script says so', async () => {
    const [word, quiet] = [next(), next()]
    // In another case than the words that the model answers with a call: the task would make itself again.
    const [due, silent] = [`NOW-${word.toUpperCase()}`, `NOW-${quiet.toUpperCase()}`]
    if (call) rig().model.on(due, { text: `woken ${word}` })
    const task = { name: 'Soon', prompt: due, in_minutes: 0.05 }
    await rig().person.say(asked(word, 'schedule_task', task))
    await rig().person.answered(call ? `woken ${word}` : `\n\n${due}`)
    if (call) expect(rig().model.calls(due).at(-1)?.text).toContain('creel:host')
    const script = 'echo \'{"wakeAgent": false}\''
    await rig().person.say(asked(quiet, 'schedule_task', { ...task, name: silent, prompt: silent, script }))
    await rig().host.until('the run of the script', async () => {
      const tasks = (await rig().host.call('task-list', { all: true })) as { id: number; name: string }[]
      const id = tasks.find(({ name }) => name === silent)?.id
      if (id === undefined) return false
      const [run] = (await rig().host.call('task-history', { id })) as { state: string; reason?: string }[]
      return run?.state === 'done' && run.reason?.includes('asleep') === true
    })
    expect(await lines(`\n\n${silent}`)).toEqual([])
    await heard()
  })

  it('do nothing twice when the sandbox is killed in the middle of their turn', async () => {
    const word = next()
    const text = `only once: ${word}`
    if (call) {
      // The call that is told the result gets no answer: there the sandbox is killed.
      script(rig(), word, call('creel', 'send_message', { text }))
      if (rig().model.faultsLeft === 0) rig().model.fault(word, { pass: true })
      rig().model.fault(word, { hang: true })
      await rig().person.say(word)
    } else await rig().person.say(`/demo tool send_message {"text":"${text}"}\nhang`)
    await rig().person.answered(text)
    if (call) await rig().host.until('the hanging call', () => rig().model.faultsLeft === 0)
    // The turn that is begun instead does the same again.
    if (call) {
      const again = call('creel', 'send_message', { text })
      if ('pieces' in again) rig().model.fault(word, again)
      else rig().model.once(word, again)
    }
    await rig().killSandbox()
    if (call) await rig().person.answered(`heard ${word}`)
    else {
      await rig().host.until('another attempt', () => rig().entries('accepted').at(-1)?.attempt === 2)
      await rig().person.say('/stop')
    }
    expect(await lines(text)).toHaveLength(1)
    if (call) expect(told(word)).toContain('Already sent')
    await heard()
  })
}

function describeAgents({ rig, next, lines, container, call }: ToolTests): void {
  it('ask another agent, whose answer begins a turn of the same conversation', async () => {
    const [word, task] = [next(), next()]
    rig().addHelper(container())
    const args = { to: 'helper', message: task }
    if (call) script(rig(), word, call('creel', 'send_to_agent', args))
    await rig().person.say(call ? word : `/demo tool send_to_agent ${JSON.stringify(args)}`)
    await rig().person.answered(call ? `heard ${word}` : 'Sent to helper as request')
    await rig().person.answered(call ? `heard ${task}` : `demo: demo: ${task}`)
    if (call) {
      const given = rig()
        .model.calls(task)
        .map(({ text }) => text)
      expect(given.filter((text) => text.includes('agent:agent'))).not.toEqual([])
      expect(given.filter((text) => text.includes('agent:helper'))).not.toEqual([])
    }
  })

  // A stream written by hand is good for one call: such a model cannot go on for ever.
  if (call && 'pieces' in call('creel', 'send_to_agent', {})) return
  it('ask each other for ever and are stopped, which the owner is told once', async () => {
    const [begin, ask, back] = [next(), 'for-ever-to-helper', 'for-ever-to-agent']
    rig().addHelper(container())
    if (call) {
      // What each says is what makes the other ask again; the later of the rules counts.
      const rules: [string, string, string, string][] = [
        [begin, 'helper', ask, `heard ${begin}`],
        [ask, 'agent', back, 'again-helper'],
        [back, 'helper', ask, 'again-agent'],
        ['again-helper', 'helper', ask, 'again-agent'],
        ['again-agent', 'agent', back, 'again-helper'],
      ]
      for (const [heard, to, message, said] of rules) {
        const made = call('creel', 'send_to_agent', { to, message })
        if (!('pieces' in made)) rig().model.on(heard, made)
        rig().model.on(heard, { text: said }, 'tool-result')
      }
    }
    const asked = () =>
      rig()
        .host.log()
        .filter(({ event }) => event === 'agent.asked').length
    const before = asked()
    const usedBefore = rig().usedByAll()
    await rig().person.say(call ? begin : '/demo ask-for-ever helper')
    await rig().person.answered('on and on')
    await rig().host.until('them to be quiet', () => rig().isQuiet(), 120_000)
    expect(await lines('on and on')).toHaveLength(1)
    expect(asked() - before).toBeGreaterThan(2)
    expect(asked() - before).toBeLessThanOrEqual(AGENT_REQUESTS)
    // Each request is a turn of the asked agent, and at most one of the asking one for its answer.
    const [turns, used] = [1 + 2 * AGENT_REQUESTS, rig().usedByAll()]
    expect(used.turns - usedBefore.turns).toBeLessThanOrEqual(turns)
    // A turn calls its model twice here: for the tool, and with its result.
    const most = usedBefore.tokens + turns * 2 * (USAGE.input_tokens + USAGE.output_tokens)
    expect(used.tokens).toBeLessThanOrEqual(most)
  })
}

function describeShell({ rig, next, shell, lines }: ToolTests): void {
  it('are in a shell as well, by the command creel', async () => {
    const word = next()
    const command = `creel send 'by shell: ${word}' && creel status && ! creel send 2>/dev/null && echo done-${word}`
    if (shell) script(rig(), word, shell(command))
    await rig().person.say(shell ? word : `/demo shell ${command}`)
    await rig().person.answered(shell ? `heard ${word}` : `done-${word}`)
    expect(await lines(`by shell: ${word}`)).not.toEqual([])
    const told = shell
      ? (rig().model.calls(word).at(-1)?.text ?? '')
      : (await lines(`done-${word}`)).join('\n')
    expect(told).toMatch(/session\W+chat:\d+\b/)
    expect(told).toContain('Queued: ')
  })
}

function describeServers({ rig, next, heard, lines, container }: ToolTests, call: CallTool): void {
  it('of a server of container.json are called as well, beside ours', async () => {
    const word = next()
    copyFileSync(join(import.meta.dirname, '../providers', ECHO_SERVER), join(rig().workspace, ECHO_SERVER))
    const lab = { command: 'node', args: [`/workspace/${ECHO_SERVER}`], env: { LAB: 'lab-1' } }
    rig().configure(container({ mcpServers: { lab } }))
    await rig().killSandbox()
    script(rig(), word, call('lab', 'echo_token', { text: 'abc' }))
    await rig().ask(word, `heard ${word}`)
    expect(rig().model.calls(word).at(-1)?.text).toContain('TOKEN-RESULT:abc:lab-1')
    const ours = next()
    script(rig(), ours, call('creel', 'get_status', {}))
    await rig().ask(ours, `heard ${ours}`)
    expect(rig().model.calls(ours).at(-1)?.text).toMatch(/lab\W+working/)
  })

  it('of a server that does not start are missing, which the log and get_status say; turns go on', async () => {
    const word = next()
    rig().configure(container({ mcpServers: { broken: { command: 'no-such-server' } } }))
    await rig().killSandbox()
    script(rig(), word, call('creel', 'get_status', {}))
    await rig().ask(word, `heard ${word}`)
    expect(rig().model.calls(word).at(-1)?.text).toMatch(/broken\W+not working/)
    expect(await lines(`heard ${word}`)).toHaveLength(1)
    rig().configure(container())
    await rig().killSandbox()
    await heard()
  })
}

/** The model's answers to `word`: this call, and then `heard word` for its result. */
export function script(rig: ProviderRig, word: string, made: ReturnType<CallTool>): void {
  if ('pieces' in made) rig.model.fault(word, made)
  else {
    rig.model.on(word, made)
    rig.model.on(word, { text: `heard ${word}` }, 'tool-result')
  }
}
