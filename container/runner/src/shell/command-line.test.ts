import { describe, expect, it } from 'vitest'
import { shellCommand } from './command-line.ts'

const call = (tool: string, args: object, session?: string) => ({
  kind: 'call',
  tool,
  args: JSON.stringify(args),
  session,
})

describe('the creel command of the sandbox', () => {
  it.each([
    [['send', 'hello you'], call('send_message', { text: 'hello you' })],
    [['send', '--to', 'home-3', 'hello'], call('send_message', { text: 'hello', to: 'home-3' })],
    [['file', 'a.pdf', 'The report'], call('send_file', { path: 'a.pdf', caption: 'The report' })],
    [
      ['ask', 'Which?', 'Red', 'Blue'],
      call('ask_user', { question: 'Which?', options: ['Red', 'Blue'], free_text: false }),
    ],
    [['ask', 'Which?'], call('ask_user', { question: 'Which?', options: [], free_text: true })],
    [['agent', 'scout', 'look'], call('send_to_agent', { to: 'scout', message: 'look' })],
    [['status', '--session', 'chat:2'], call('get_status', {}, 'chat:2')],
    [['call', 'list_agents'], call('list_agents', {})],
    [['call', 'remember', '{"text":"x"}'], call('remember', { text: 'x' })],
    [['tools'], { kind: 'tools', session: undefined }],
    [[], { kind: 'help' }],
  ])('%j', (argv, expected) => {
    expect(shellCommand(argv, undefined)).toEqual(expected)
  })

  it.each([
    [['send'], 'one TEXT'],
    [['send', 'two', 'words'], 'in quotes'],
    [['call', 'x', '[1]'], 'no JSON object'],
    [['call', 'x', '{'], 'no JSON object'],
    [['status', '--session'], 'a value is missing'],
    [['constructor'], 'there is no "constructor"'],
    [['rm', '-rf'], 'there is no "rm"'],
  ])('%j is wrong and says why', (argv, why) => {
    expect(shellCommand(argv, undefined)).toMatchObject({
      kind: 'wrong',
      message: expect.stringContaining(why),
    })
  })

  it('is for the conversation that its runtime names, unless another one is named', () => {
    expect(shellCommand(['status'], 'chat:1')).toEqual(call('get_status', {}, 'chat:1'))
    expect(shellCommand(['status', '--session', 'chat:2'], 'chat:1')).toEqual(
      call('get_status', {}, 'chat:2'),
    )
  })
})
