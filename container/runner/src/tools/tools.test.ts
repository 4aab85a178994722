import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SANDBOX_PATHS } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ended, RunnerRig } from '../../../../test/runner/runner-rig.ts'
import type { MakeParts, ProviderRuntime } from '../provider.ts'
import { callTool } from '../providers/demo/call-tool.ts'
import { NO_ANSWER } from '../reply-text.ts'
import type { ToolAccess } from './tool-access.ts'

const KILLED_RUNNER = join(import.meta.dirname, '../../../../test/runner/killed-runner.ts')

let rig: RunnerRig
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig({ maxAttempts: 10 })
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

/** Says it as one turn, and returns what the person is told of the calls. */
async function called(lines: string, session = 'one'): Promise<string> {
  const seq = rig.say(`/demo tool ${lines}`, session)
  running ??= rig.start()
  await rig.settled(seq)
  return rig.replies(seq).join('\n')
}

const sends = (inboxSeq?: number) => rig.entries('send', inboxSeq).map(({ text }) => text)

describe('send_message', () => {
  it('is in the outbox before the turn ends, and before its answer', async () => {
    expect(await called('send_message {"text":"a word"}')).toMatch(/^Queued: /)
    const types = rig.rows().map(({ entry }) => entry.type)
    expect(types.filter((type) => type !== 'progress')).toEqual(['accepted', 'send', 'reply', 'settled'])
    expect(rig.entries('send')).toEqual([
      { type: 'send', inboxSeq: 1, key: expect.stringMatching(/^[0-9a-f]{24}:1$/), text: 'a word' },
    ])
  })

  it('said twice in one turn is meant twice, in two turns as well', async () => {
    const again = 'send_message {"text":"again"}'
    await called(`${again}\n${again}`)
    await called(again)
    expect(sends()).toEqual(['again', 'again', 'again'])
  })

  it('tells the model how many a turn may send, and sends no more', async () => {
    const told = await called(
      Array.from({ length: 22 }, (_, n) => `send_message {"text":"word ${n}"}`).join('\n'),
    )
    expect(sends()).toHaveLength(20)
    expect(told.match(/error: Not sent: a turn may send 20 messages/g)).toHaveLength(2)
  })

  it.each([
    ['{}', /"text": .*expected string.*A right call: \{"text"/],
    ['{"text":"  "}', /"text": Too small/],
    [`{"text":"${'x'.repeat(20_001)}"}`, /"text": Too big/],
    ['{"text":"hi","to":"family"}', /there is no destination "family"\. There are none/],
    ['{"text":"hi","chat":"family"}', /Unrecognized key: "chat"/],
    ['{"text":["hi"]}', /"text": .*expected string/],
  ])('says what is wrong with %.40s and how it is right', async (args, told) => {
    expect(await called(`send_message ${args}`)).toMatch(told)
    expect(sends()).toEqual([])
  })

  it('goes to a destination that the host has named, and to no other', async () => {
    const destinations = [{ name: 'family-3', channel: 'web', kind: 'group' as const, title: 'Family' }]
    const calls = ['{"to":"family-3","text":"there"}', '{"to":"work-4","text":"nowhere"}', '{"text":"here"}']
    const lines = ['list_destinations', ...calls.map((args) => `send_message ${args}`)]
    const seq = rig.say(`/demo tool ${lines.join('\n')}`, 'one', { destinations })
    running = rig.start()
    await rig.settled(seq)
    expect(rig.entries('send').map(({ to, text }) => [to, text])).toEqual([
      ['family-3', 'there'],
      [undefined, 'here'],
    ])
    const told = rig.replies(seq).join('\n')
    expect(told).toContain('"title": "Family"')
    expect(told).toContain('error: Not sent: there is no destination "work-4". There are: family-3.')
  })

  it('of a turn that was killed is not sent again by the one that is begun instead', async () => {
    const word = 'send_message {"text":"working on it"}'
    const seq = rig.say(`/demo tool ${word}\nsend_message {"text":"half of it"}\n${word}`)
    // Killed right after the first, the second, …: each new runner comes one message further.
    for (let n = 0; n < 3; n++) {
      const child = rig.spawn(KILLED_RUNNER, ['after', 'send'])
      expect((await ended(child)).how).toBe('SIGKILL')
      expect(rig.entries('send')).toHaveLength(n + 1)
    }
    running = rig.start()
    await rig.settled(seq)
    expect(sends(seq)).toEqual(['working on it', 'half of it', 'working on it'])
    expect(
      rig
        .replies(seq)
        .join('\n')
        .match(/^Already sent/gm),
    ).toHaveLength(3)
  })

  it('that was not written down when its runner was killed is sent by the next', async () => {
    const seq = rig.say('/demo tool send_message {"text":"working on it"}')
    expect((await ended(rig.spawn(KILLED_RUNNER, ['before', 'send']))).how).toBe('SIGKILL')
    running = rig.start()
    await rig.settled(seq)
    expect(sends(seq)).toEqual(['working on it'])
    expect(rig.replies(seq).join('\n')).toMatch(/^Queued/)
  })

  it('is remembered over an acknowledgement in the middle of its turn', async () => {
    const seq = rig.say('/demo tool send_message {"text":"once"}')
    expect((await ended(rig.spawn(KILLED_RUNNER, ['after', 'send']))).how).toBe('SIGKILL')
    rig.put({ type: 'acked', outboxSeq: rig.rows().at(-1)?.seq ?? 0 })
    running = rig.start()
    await rig.settled(seq)
    expect(sends(seq)).toEqual(['once'])
  })

  it('in the transcript stands before the answer, and once', async () => {
    await called('send_message {"text":"a very rare word: quincunx"}')
    const found = await called('search_conversations {"query":"QUINCUNX rare"}', 'two')
    expect(found).toMatch(/conversations\/\S+\.md:\d+ agent \(you\), \S+ \S+ UTC/)
    expect(found.match(/rare word: quincunx/g)).toHaveLength(2)
  })
})

describe('send_file', () => {
  const put = (name: string, text = 'the report') =>
    writeFileSync(join(rig.path(SANDBOX_PATHS.workspace), name), text)
  const files = () => rig.entries('file').map(({ name, caption, bytes }) => ({ name, caption, bytes }))

  it('sends a file of the workspace with the answer, once, and none that is gone, no file or nowhere of its own', async () => {
    put('report.txt')
    mkdirSync(join(rig.path(SANDBOX_PATHS.workspace), 'folder'))
    symlinkSync('/etc/passwd', join(rig.path(SANDBOX_PATHS.workspace), 'link'))
    const told = await called(
      [
        'send_file {"path":"report.txt","caption":"Here"}',
        'send_file {"path":"report.txt","caption":"Here"}',
        `send_file {"path":"${rig.path(SANDBOX_PATHS.workspace)}/report.txt","name":"other.txt"}`,
        'send_file {"path":"gone.txt"}',
        'send_file {"path":"folder"}',
        'send_file {"path":"link"}',
        'send_file {"path":"/etc/passwd"}',
        'send_file {"file":"report.txt"}',
      ].join('\n'),
    )
    expect(files()).toEqual([
      { name: 'report.txt', caption: 'Here', bytes: 10 },
      { name: 'other.txt', caption: undefined, bytes: 10 },
    ])
    expect(told.split('\n')).toEqual([
      expect.stringMatching(/^Copied: it goes out with your answer/),
      expect.stringMatching(/^It goes out with your answer already/),
      expect.stringMatching(/^Copied: /),
      expect.stringMatching(/^error: Not sent: .*gone\.txt cannot be read/),
      expect.stringMatching(/^error: Not sent: .*folder is not a file: send a file, or make an archive/),
      expect.stringMatching(/^error: Not sent: link is not in one of your folders/),
      expect.stringMatching(/^error: Not sent: \/etc\/passwd is not in one of your folders/),
      expect.stringMatching(/^error: send_file: "path": Invalid input.*A right call: \{"path"/),
    ])
  })

  it('sends it once when the turn is begun again after a kill', async () => {
    put('report.txt')
    const seq = rig.say('/demo tool send_file {"path":"report.txt"}\nsend_message {"text":"ready"}')
    expect((await ended(rig.spawn(KILLED_RUNNER, ['after', 'send']))).how).toBe('SIGKILL')
    expect(files()).toEqual([])
    running = rig.start()
    await rig.settled(seq)
    expect(files()).toHaveLength(1)
    expect(sends(seq)).toEqual(['ready'])
  })
})

describe('get_status', () => {
  it('tells group, provider, session, chat and limits of the turn that asks', async () => {
    const status = JSON.parse(await called('get_status', 'web/garden'))
    expect(status).toMatchObject({
      group: 'test',
      provider: 'demo',
      model: 'chosen by demo',
      session: 'web/garden',
      chat: { channel: 'web', kind: 'private' },
      answering: { id: 'web:1', name: 'Ann' },
      limits: { messages_left: 20, turns_at_once: 4 },
      tool_servers: {},
    })
  })

  it('of several sessions at once is each its own', async () => {
    running = rig.start()
    const asked = Array.from({ length: 12 }, (_, n) => ({
      session: `chat-${n}`,
      seq: rig.say('/demo tool get_status', `chat-${n}`),
    }))
    await rig.settled(...asked.map(({ seq }) => seq))
    for (const { seq, session } of asked)
      expect(JSON.parse(rig.replies(seq).join(''))).toMatchObject({ session })
  })
})

describe('search_conversations', () => {
  const folder = () => rig.path(join(SANDBOX_PATHS.memory, 'conversations'))

  it('finds what was said in other chats, newest first, with who and when', async () => {
    const first = rig.say('the dentist is called Molar', 'family', { at: Date.UTC(2026, 0, 2) })
    const second = rig.say('I like molar teeth', 'work', { from: { id: 'web:7', name: 'Bob' }, at: 5 })
    running = rig.start()
    await rig.settled(first, second)
    const found = await called('search_conversations {"query":"molar dentist"}', 'three')
    expect(found).toMatch(/Ann \(web:1\), 2026-01-02 00:00:00 UTC\n {2}the dentist is called Molar/)
    expect(found).not.toContain('teeth')
    const one = await called('search_conversations {"query":"molar", "limit": 1}', 'four')
    expect(one.match(/\n {2}/g)).toHaveLength(1)
  })

  it('says when there is nothing, and when the question is wrong', async () => {
    expect(await called('search_conversations {"query":"unsaid"}')).toMatch(/^Nothing found in 1 files/)
    expect(await called('search_conversations {"query":""}')).toMatch(/^error: .*"query": Too small/)
    expect(await called(`search_conversations {"query":"${'w '.repeat(60)}"}`)).toMatch(/at most 10 words/)
  })

  it('survives what an agent may have put there', async () => {
    mkdirSync(join(folder(), 'deep', 'er'), { recursive: true })
    writeFileSync(join(folder(), 'deep', 'er', '2026-01-01.md'), 'needle without a speaker')
    writeFileSync(join(folder(), 'huge.md'), `${'x'.repeat(9_000_000)}needle`)
    writeFileSync(join(folder(), 'binary.md'), Buffer.from([0xff, 0xfe, 0, 1, 0x0a, 0xc3]))
    writeFileSync(join(rig.root, 'secret.md'), 'needle of the host')
    symlinkSync(join(rig.root, 'secret.md'), join(folder(), 'link.md'))
    symlinkSync(folder(), join(folder(), 'deep', 'loop'))
    mkdirSync(join(folder(), 'folder.md'))
    const found = await called('search_conversations {"query":"needle"}')
    expect(found).toContain('deep/er/2026-01-01.md:1 (nobody named)\n  needle without a speaker')
    expect(found).not.toContain('of the host')
    expect(found).toMatch(/Not searched: .*the beginning of files of more than 2097152 bytes/)
    expect(existsSync(join(folder(), 'link.md'))).toBe(true)
  })

  it('does not leave the memory folder through a link in its place', async () => {
    mkdirSync(join(rig.root, 'elsewhere'))
    writeFileSync(join(rig.root, 'elsewhere', 'a.md'), 'needle')
    symlinkSync(join(rig.root, 'elsewhere'), folder())
    expect(await called('search_conversations {"query":"needle"}')).toMatch(/^Nothing found/)
    const within = '"within":"conversations"'
    expect(await called(`search_conversations {"query":"needle",${within}}`)).toMatch(
      /Nothing found.*\n.*not readable/,
    )
  })
})

describe('the tool server', () => {
  it('says which tools there are to a model that makes one up', async () => {
    expect(await called('delete_everything {}')).toBe(
      'error: There is no tool "delete_everything". There are: send_message, list_destinations, send_file, get_status, ask_user, request_egress, edit_message, add_reaction, send_card, read_history, remember, forget, search_conversations, send_to_agent, list_agents, cancel_agent_request, create_agent, install_packages, schedule_task, list_tasks, update_task, pause_task, resume_task, cancel_task, add_mcp_server, remove_mcp_server, propose_skill.',
    )
  })

  it('is not started for a turn without tools', async () => {
    const seq = rig.say('hello')
    running = rig.start({
      startToolServer: () => Promise.reject(new Error('started')),
    })
    await rig.settled(seq)
    expect(rig.replies(seq)[0]).toMatch(/^demo: hello/)
  })

  it('makes an answer needless when the turn has sent one', async () => {
    const runtime = (tools: ToolAccess): ProviderRuntime => ({
      name: 'demo',
      startTurn: ({ session, text }) => ({
        async *[Symbol.asyncIterator]() {
          await callTool(tools.serversOf(session), text, '{"text":"all there is"}')
          yield { type: 'completed' }
        },
        steer: async () => 'unsupported',
      }),
      close: async () => undefined,
    })
    const make = async ({ startTools }: MakeParts) => runtime(await startTools())
    const [sent, silent] = [rig.say('send_message'), rig.say('get_status')]
    running = rig.start({ providers: { demo: { needsGateway: false, make } } })
    await rig.settled(sent, silent)
    expect(rig.replies(sent)).toEqual([])
    expect(rig.replies(silent)).toEqual([NO_ANSWER])
  })
})
